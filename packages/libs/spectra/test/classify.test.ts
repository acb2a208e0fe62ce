import { random } from '@nightpipe/math'
import t from 'tap'
import {
  broadened,
  classifyStar,
  type LogSpectrum,
  onLogGrid,
  resolutionKernel,
  rotationKernel,
  type SetMember,
} from '../src/index.js'
import { wavelengthOf } from './star.js'

const C = 299792458
const STEP = 1e-6 * 2 // 600 m/s
const draw = random(11)
const LINES = Array.from({ length: 700 }, () => ({
  u: Math.log(5000 + 700 * draw.uniform()),
  depth: 0.15 + 0.9 * draw.uniform() ** 2,
  cold: draw.uniform() - 0.5, // how the line answers to temperature, gravity, metals
  heavy: draw.uniform() - 0.5,
  metal: draw.uniform() < 0.8 ? 1 : 0.1,
}))

/** A toy star: each line answers in its own way to the three parameters. Not physics, but a law that can be inverted. */
function star(teff: number, logg: number, metallicity: number): LogSpectrum {
  const first = Math.log(4980)
  const flux = new Float64Array(Math.ceil((Math.log(5720) - first) / STEP)).fill(1)
  for (const { u, depth, cold, heavy, metal } of LINES) {
    const tau = depth * (5600 / teff) ** (6 * cold + 2) * 10 ** (0.4 * heavy * (logg - 4) + 0.7 * metal * metallicity)
    const sigma = 2.5e3 / C
    const [from, to] = [-4, 4].map((n) => Math.round((u + n * sigma - first) / STEP))
    for (let k = Math.max(0, from!); k <= Math.min(flux.length - 1, to!); k++) {
      flux[k]! *= Math.exp(-tau * Math.exp(-0.5 * ((first + k * STEP - u) / sigma) ** 2))
    }
  }
  return { first, step: STEP, flux }
}

const SET: SetMember[] = [4600, 5100, 5600, 6100, 6600].flatMap((teff) =>
  [3, 4, 5].flatMap((logg) =>
    [-0.5, 0, 0.5].map((metallicity) => ({
      ...{ name: `${teff}-${logg}-${metallicity}`, teff, logg, metallicity, vsini: 0 },
      spectrum: star(teff, logg, metallicity),
    })),
  ),
)

/** The star through a spectrograph: shifted, sampled, with a blaze and noise. */
function observe({ first, step, flux }: LogSpectrum, velocity: number, electrons: number, seed: number) {
  const layout = { width: 1024, orders: 8, first: 84 }
  const noise = random(seed)
  return Array.from({ length: layout.orders }, (_, index) => {
    const array = () => new Float64Array(layout.width)
    const [out, uncertainty, blaze, wavelength] = [array(), array(), array(), array()]
    for (let x = 0; x < layout.width; x++) {
      wavelength[x] = wavelengthOf(layout, index, x)
      const at = (Math.log(wavelength[x]! / (1 + velocity / C)) - first) / step
      const k = Math.floor(at)
      const value = flux[k]! + (at - k) * (flux[k + 1]! - flux[k]!)
      blaze[x] = 1 - 0.6 * ((2 * x) / layout.width - 1) ** 2
      const light = electrons * blaze[x]! * value * (1 + 0.2 * (x / layout.width))
      uncertainty[x] = Math.sqrt(light + 25)
      out[x] = light + uncertainty[x]! * noise.normal()
    }
    return {
      index,
      order: 84 + index,
      fibre: 0,
      flux: out,
      uncertainty,
      blaze,
      mask: new Int32Array(layout.width),
      wavelength,
    }
  })
}

t.test('a star between the members of a set is told to a tenth of their distance, within its errors', async (t) => {
  const pulls: number[] = []
  for (const [teff, logg, metallicity, seed] of [
    [5350, 4.3, 0.15, 1],
    [5900, 3.7, -0.2, 2],
    [5600, 4, 0, 3],
    [4900, 3.4, 0.31, 4],
  ] as const) {
    const { parameters, z, errors, method, limits } = classifyStar(
      observe(star(teff, logg, metallicity), 42e3, 3000, seed),
      SET,
    )
    t.equal(method, 'interpolated')
    t.ok(Math.abs(parameters.teff - teff) < 50, `${parameters.teff} K of ${teff}`)
    t.ok(Math.abs(parameters.logg - logg) < 0.1, `${parameters.logg} of ${logg}`)
    t.ok(Math.abs(parameters.metallicity - metallicity) < 0.05, `${parameters.metallicity} of ${metallicity}`)
    t.ok(errors.teff > 0 && errors.teff < 40, `${errors.teff}`)
    pulls.push((parameters.teff - teff) / errors.teff, (parameters.logg - logg) / errors.logg)
    pulls.push((parameters.metallicity - metallicity) / errors.metallicity)
    t.ok(Math.abs(z * C - 42e3) < 100)
    t.ok((limits[0]?.value ?? parameters.vsini) < 2000, 'it does not turn')
  }
  // twelve pulls: beyond 2 their rms would have a chance of one in a million
  t.ok(Math.sqrt(pulls.reduce((sum, one) => sum + one * one, 0) / pulls.length) < 2, pulls.join(' '))
})

t.test('rotation is told from temperature, from slow to fast', async (t) => {
  for (const vsini of [6e3, 18e3, 70e3]) {
    const turning = broadened(star(5600, 4, 0), rotationKernel(vsini, STEP))
    const { parameters, errors } = classifyStar(observe(turning, -10e3, 3000, 5), SET)
    // the kernel of the test is sampled at 600 m/s, and errs by a fiftieth at 6 km/s
    t.ok(Math.abs(parameters.vsini - vsini) < 0.02 * vsini + 3 * errors.vsini, `${parameters.vsini} of ${vsini}`)
    t.ok(Math.abs(parameters.teff - 5600) < 3 * errors.teff + 10, String(parameters.teff))
  }
})

t.test('beyond the set there are limits, not measurements', async (t) => {
  const { parameters, errors, limits } = classifyStar(observe(star(7300, 4, 0), 5e3, 3000, 6), SET)
  t.ok(Number.isNaN(parameters.teff) && Number.isNaN(errors.teff))
  const limit = limits.find(({ name }) => name === 'teff')
  t.equal(limit?.side, 'above')
  t.ok(Math.abs(limit!.value - 6600) < 1)
})

t.test('a scattered set serves as a grid does', async (t) => {
  const place = random(23)
  const scattered = Array.from({ length: 70 }, (_, k): SetMember => {
    const [teff, logg, metallicity] = [
      4500 + 2200 * place.uniform(),
      2.9 + 2.2 * place.uniform(),
      place.uniform() - 0.5,
    ]
    return { name: `s${k}`, teff, logg, metallicity, vsini: 0, spectrum: star(teff, logg, metallicity) }
  })
  const { parameters, errors } = classifyStar(observe(star(5480, 4.2, 0.1), 0, 3000, 8), scattered)
  t.ok(Math.abs(parameters.teff - 5480) < 3 * errors.teff && errors.teff < 60, `${parameters.teff} +- ${errors.teff}`)
  t.ok(Math.abs(parameters.logg - 4.2) < 3 * errors.logg && errors.logg < 0.15, `${parameters.logg} +- ${errors.logg}`)
})

t.test('few templates: the nearest is told, with half of their distance as its error', async (t) => {
  const seen = observe(star(5600, 4, 0), 0, 3000, 9)
  const two = classifyStar(seen, [SET[13]!, SET[31]!]) // alike but for the temperature
  t.ok(
    two.method === 'interpolated' && Math.abs(two.parameters.teff - 5600) < 2 * two.errors.teff,
    `${two.parameters.teff}`,
  )
  const apart = [SET[0]!, SET[22]!, SET[35]!]
  const few = classifyStar(seen, apart)
  t.equal(few.method, 'nearest')
  t.equal(few.parameters.teff, few.best.teff)
  t.ok(few.errors.teff > 200 && few.errors.teff < 700, String(few.errors.teff))
  const one = classifyStar(seen, [SET[22]!])
  t.equal(one.method, 'nearest')
  t.equal(one.parameters.teff, 5600)
  t.ok(Number.isNaN(one.errors.teff), 'nothing is known of how far it may be')
})

t.test('cosmic rays are set aside', async (t) => {
  const orders = observe(star(5350, 4.3, 0.15), 0, 3000, 10)
  for (const { flux } of orders) for (const x of [100, 430, 431, 800]) flux[x]! += 20000
  const { parameters, errors } = classifyStar(orders, SET)
  t.ok(Math.abs(parameters.teff - 5350) < 4 * errors.teff, String(parameters.teff))
})

t.test('kernels: area 1, the width that they should have', async (t) => {
  const rotation = rotationKernel(30e3, STEP)
  t.ok(Math.abs(rotation.reduce((a, b) => a + b) - 1) < 1e-12)
  t.equal(rotation.length, 2 * Math.floor(30e3 / C / STEP) + 1)
  const gauss = resolutionKernel(50000, STEP)
  const half = gauss.length >> 1
  const variance = gauss.reduce((sum, w, k) => sum + w * ((k - half) * STEP) ** 2, 0)
  t.ok(Math.abs(Math.sqrt(8 * Math.LN2 * variance) * 50000 - 1) < 0.02)
  t.equal(resolutionKernel(50000, STEP, 40000).length, 1, 'nothing is sharpened')
})

t.test('resampling keeps the light of a line, whatever the sampling', async (t) => {
  const wavelength = Float64Array.from({ length: 4000 }, (_, k) => 5000 + 0.013 * k + 1e-7 * k * k)
  const flux = wavelength.map((w) => 1 - 0.8 * Math.exp(-0.5 * ((w - 5025) / 0.05) ** 2))
  const { first, step, flux: out } = onLogGrid(wavelength, flux, 5005, 5045, 1e-5)
  let width = 0
  out.forEach((value, k) => {
    width += (1 - value) * Math.exp(first + k * step) * step
  })
  t.ok(Math.abs(width / (0.8 * 0.05 * Math.sqrt(2 * Math.PI)) - 1) < 1e-3, String(width))
})

t.test('an empty set, and one that does not cover the spectrum, are refused', async (t) => {
  t.throws(() => classifyStar(observe(star(5600, 4, 0), 0, 1000, 1), []), /empty/)
  const far = SET.slice(0, 2).map((one) => ({ ...one, spectrum: { ...one.spectrum, first: Math.log(8000) } }))
  t.throws(() => classifyStar(observe(star(5600, 4, 0), 0, 1000, 1), far), /covers/)
})
