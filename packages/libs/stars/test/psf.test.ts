import { medianOf } from '@nightpipe/math'
import t from 'tap'
import {
  buildPsf,
  findStars,
  fitCrowdedField,
  fitPsfFluxes,
  measureApertures,
  type Psf,
  psfFromTable,
  psfToTable,
  refinePsf,
} from '../src/index.js'
import { type FieldOptions, moffatField, randomStars, trueProfile } from './support/moffat-field.js'

const SIZE = { width: 512, height: 512 }
const NOISE = { gain: 1.6 }

function modelled(count: number, options: Partial<FieldOptions>) {
  const truth = randomStars(count, 300, 100_000, options)
  const frame = moffatField(truth, options)
  const found = findStars(frame, NOISE)
  return { truth, frame, found, psf: buildPsf(frame, found.stars, NOISE) }
}

/** How far the flux of a fit with the model is off, and the worst pixel over the peak; the truth laid on the model. */
function offBy(psf: Psf, options: Partial<FieldOptions>, x: number, y: number) {
  const size = 2 * psf.half + 1
  const model = psf.render(x, y, size)
  const truth = (dx: number, dy: number) => {
    const { light } = trueProfile(options, x, y)
    const stamp = Float64Array.from(model, (_, k) =>
      light(Math.round(x) - psf.half + (k % size) - x - dx, Math.round(y) - psf.half + Math.floor(k / size) - y - dy),
    )
    const sum = stamp.reduce((a, b) => a + b)
    return stamp.map((value) => value / sum)
  }
  let place: [number, number] = [0, 0]
  for (let round = 0; round < 4; round++) place = nearer(model, truth, place)
  const laid = truth(...place)
  let [both, own, worst] = [0, 0, 0]
  model.forEach((value, k) => {
    both += value * laid[k]
    own += value * value
    worst = Math.max(worst, Math.abs(value - laid[k]))
  })
  return { flux: both / own - 1, worst: worst / Math.max(...laid), shift: Math.hypot(...place) }
}

/** A step towards the place where the truth is most like the model. */
function nearer(
  model: ArrayLike<number>,
  truth: (x: number, y: number) => Float64Array,
  [x, y]: [number, number],
): [number, number] {
  const [here, right, up] = [truth(x, y), truth(x + 0.05, y), truth(x, y + 0.05)]
  let [a, b, c, d, e] = [0, 0, 0, 0, 0]
  for (let k = 0; k < here.length; k++) {
    const [gx, gy, left] = [20 * (right[k] - here[k]), 20 * (up[k] - here[k]), model[k] - here[k]]
    a += gx * gx
    b += gx * gy
    c += gy * gy
    d += gx * left
    e += gy * left
  }
  const determinant = a * c - b * b
  return [x + (d * c - e * b) / determinant, y + (e * a - d * b) / determinant]
}

t.test('the model of Moffat stars that widen towards the corners is within two percent of the peak', async (t) => {
  const { psf } = modelled(250, SIZE)
  for (const [x, y] of [
    [256.3, 255.6],
    [60.2, 70.9],
    [440.5, 80.1],
  ]) {
    const { flux, worst, shift } = offBy(psf, SIZE, x, y)
    t.ok(shift < 0.01, `place off by ${shift} px`)
    t.ok(worst < 0.02, `worst pixel ${worst} of the peak at ${x}, ${y}`)
    t.ok(Math.abs(flux) < 0.01, `flux off by ${flux} at ${x}, ${y}`)
    t.ok(Math.abs(psf.fwhm(x, y) / trueProfile(SIZE, x, y).fwhm - 1) < 0.04, 'width, that of pixels included')
  }
})

t.test('stars that no profile fits are modelled by the table of residuals', async (t) => {
  const options = { ...SIZE, ghost: 0.3, corner: 1 }
  const { frame, found, psf } = modelled(250, options)
  const bare = buildPsf(frame, found.stars, { ...NOISE, rounds: 0 })
  const [withTable, without] = [psf, bare].map((model) => offBy(model, options, 250.5, 260.2).worst)
  t.ok(withTable < 0.6 * without, `worst pixel ${withTable} of the peak with the table, ${without} without`)
})

t.test('a stamp sums to 1 wherever the star stands between pixels, and a model survives its table', async (t) => {
  const { psf } = modelled(80, SIZE)
  for (const x of [100, 100.3, 100.49, 100.5, 100.9]) {
    t.ok(Math.abs(psf.render(x, 200.2, 25).reduce((a, b) => a + b, 0) - 1) < 1e-5)
  }
  const again = psfFromTable(structuredClone(psfToTable(psf)))
  t.same(again.render(33.3, 44.4, 21), psf.render(33.3, 44.4, 21))
})

t.test('fluxes and places of fitted stars are off by what their errors say', async (t) => {
  const { truth, frame, found, psf } = modelled(200, SIZE)
  const fitted = fitPsfFluxes(frame, psf, found.stars, { ...NOISE, net: found.net })
  const pulls = truth.flatMap((star) => {
    const i = nearest(fitted, star)
    return i < 0 ? [] : [(fitted.flux[i] - star.flux) / fitted.fluxError[i]]
  })
  const spread = 1.4826 * medianOf(pulls.map(Math.abs))
  t.ok(pulls.length > 150)
  t.ok(spread > 0.8 && spread < 1.3, `spread of the pulls ${spread}`)
})

t.test('in a crowd, subtraction brings out stars that detection missed', async (t) => {
  const options = { ...SIZE, width: 300, height: 300, seed: 5 }
  const truth = randomStars(450, 1500, 60_000, options)
  const frame = moffatField(truth, options)
  const found = findStars(frame, NOISE)
  const psf = buildPsf(frame, found.stars, NOISE)
  const deep = fitCrowdedField(frame, psf, found, NOISE)
  const seen = (list: Parameters<typeof nearest>[0]) => truth.filter((star) => nearest(list, star) >= 0).length
  const [before, after] = [seen(found.stars), seen(deep)]
  t.ok(after > 1.12 * before, `${before} of 450 stars detected, ${after} fitted`)
  const wrong = deep.x.length - after
  t.ok(wrong < 0.2 * after, `${wrong} that are none`)
})

t.test('a crowd of a star on ten areas of their width', async (t) => {
  const options = { ...SIZE, width: 400, height: 400, seed: 9 }
  const truth = randomStars(1500, 300, 100_000, options)
  const frame = moffatField(truth, options)
  const found = findStars(frame, NOISE)
  const first = buildPsf(frame, found.stars, NOISE)
  const once = fitCrowdedField(frame, first, found, NOISE)
  const psf = refinePsf(frame, first, once, NOISE)
  const fit = fitCrowdedField(frame, psf, found, { ...NOISE, passes: 1, start: once })
  const bright = truth.filter(({ x, y, flux }) => flux > 20_000 && Math.min(x, y, 399 - x, 399 - y) > 20)
  const offOf = (list: { x: ArrayLike<number>; y: ArrayLike<number> }, fluxes: ArrayLike<number>, part = 1) =>
    bright.flatMap((star) => {
      const i = nearest(list, star)
      return i < 0 ? [] : [fluxes[i] / part / star.flux - 1]
    })

  t.test('the model made again without neighbours gives fluxes less off', async (t) => {
    const [before, after] = [once, fit].map((one) => medianOf(offOf(one, one.flux).map(Math.abs)))
    t.ok(before < 0.015, `the first model knows neighbours that nobody found: ${(100 * before).toFixed(2)} %`)
    t.ok(after < 0.7 * before, `${(100 * before).toFixed(2)} then ${(100 * after).toFixed(2)} %`)
    t.ok(after < 0.01)
  })

  t.test('circles hold the light of their star, and not that of fitted neighbours', async (t) => {
    const radius = 6
    const alone = { residual: fit.residual, own: (i: number) => fit.subtracted[i] }
    const nobody = new Int32Array(400 * 400)
    const { light } = trueProfile(options, 200, 200)
    let part = 0
    for (let y = -6; y <= 6; y++) for (let x = -6; x <= 6; x++) if (x * x + y * y <= 36) part += light(x, y)
    const sums = [alone, undefined].map(
      (without) => measureApertures(frame, found, nobody, fit, { radii: [radius], alone: without }).flux[0],
    )
    const [own, all] = sums.map((fluxes) => medianOf(offOf(fit, fluxes, part).map(Math.abs)))
    t.ok(own < 0.02, `${(100 * own).toFixed(2)} % off`)
    t.ok(own < all / 3, `${(100 * all).toFixed(2)} % with the neighbours`)
  })
})

t.test('stars of a Gaussian profile, which is no Moffat profile of a small exponent', async (t) => {
  const options = { ...SIZE, beta: 1000, seed: 3 } // an exponent of 3 would be 2 % off
  const { psf } = modelled(500, options)
  for (const [x, y] of [
    [256.3, 255.8],
    [60.4, 450.1],
    [460.2, 70.7],
  ]) {
    const { flux } = offBy(psf, options, x, y)
    t.ok(Math.abs(flux) < 0.005, `${(100 * flux).toFixed(2)} % at ${x}, ${y}`)
  }
})

t.test('errors of a crowd are its scatter: the light of its stars is no noise of the sky', async (t) => {
  const options = { ...SIZE, width: 400, height: 400, seed: 12 }
  const truth = randomStars(1200, 300, 60_000, options)
  const frame = moffatField(truth, options)
  const found = findStars(frame, NOISE)
  const psf = buildPsf(frame, found.stars, NOISE)
  const fit = fitCrowdedField(frame, psf, found, NOISE)
  const sky = Math.sqrt(200 / 1.6 + (4.5 / 1.6) ** 2)
  t.ok(found.quality.skySigma > 1.08 * sky, `the meshes say ${found.quality.skySigma}, it is ${sky}`)
  // stars too faint to be found are left, and are noise
  t.ok(Math.abs(fit.skySigma / sky - 1.02) < 0.05, `the fit says ${fit.skySigma}`)
  const core = Array.from(fit.chi).filter(Number.isFinite)
  t.ok(Math.abs(medianOf(core) - 1) < 0.08, `chi ${medianOf(core)}`)
  const alone = truth.filter((star) =>
    truth.every((other) => other === star || Math.hypot(other.x - star.x, other.y - star.y) > 5),
  )
  const pulls = alone.flatMap((star) => {
    const i = nearest(fit, star)
    return i < 0 || star.flux < 1000 ? [] : [(fit.flux[i] - star.flux) / fit.fluxError[i]]
  })
  const deviation = 1.4826 * medianOf(pulls.map((pull) => Math.abs(pull - medianOf(pulls))))
  t.ok(pulls.length > 40)
  // so few tell their deviation to a tenth
  t.ok(deviation > 0.75 && deviation < 1.3, `the deviation of ${pulls.length} pulls is ${deviation}`)
})

t.test('a frame with nothing but sky is refused', async (t) => {
  const frame = moffatField([], { width: 128, height: 128 })
  const { stars } = findStars(frame, NOISE)
  t.throws(() => buildPsf(frame, { ...stars, count: 0 }, NOISE), /no star is bright and alone enough/)
})

function nearest(list: { x: ArrayLike<number>; y: ArrayLike<number> }, star: { x: number; y: number }): number {
  let [best, least] = [-1, 1.5]
  for (let i = 0; i < list.x.length; i++) {
    const distance = Math.hypot(list.x[i] - star.x, list.y[i] - star.y)
    if (distance < least) [best, least] = [i, distance]
  }
  return best
}
