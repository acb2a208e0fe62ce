import { random } from '@nightpipe/math'
import t from 'tap'
import { noiseSpectra, powerAlong } from '../src/difference/noise-spectrum.js'
import {
  alardRow,
  basisImages,
  type DifferencePlanes,
  fitKernel,
  type KernelBasis,
  kernelAt,
  kernelSum,
  type SharedNoise,
  stampAt,
  tileRows,
  zogyRow,
} from '../src/index.js'
import { gaussianPsf, makePair, type PairOptions } from './support/pair.js'

const SIZE = 320
const PAIR: PairOptions = {
  ...{ width: SIZE, height: SIZE, stars: 120, sigmaNew: 2, sigmaReference: 1.5, spread: 0.15 },
  ...{ noiseNew: 10, noiseReference: 6, gain: 2, ratio: 0.8, fluxes: [1e5, 500], seed: 3 },
}
const GAUSSIANS: KernelBasis = { kind: 'gaussians', half: 8, sigmas: [0.7, 1.4, 2.8], degrees: [4, 3, 2] }
const OPTIONS = { order: 1, backgroundOrder: 1, constantRatio: false, clip: 4 }

function stampsOf(pair: ReturnType<typeof makePair>, basis: KernelBasis, half = 10) {
  const bad = new Uint8Array(SIZE * SIZE)
  const size = { width: SIZE, height: SIZE, bad }
  const reference = { ...size, pixels: pair.reference, variance: pair.referenceVariance }
  const fresh = { ...size, pixels: pair.fresh, variance: pair.freshVariance }
  return pair.stars
    .filter(({ flux }) => flux > 8000)
    .flatMap(({ x, y }) => stampAt(reference, fresh, basis, Math.round(x), Math.round(y), half) ?? [])
}

/** A square image convolved with a kernel, plainly; 0 outside. */
function convolved(image: Float64Array, half: number, kernel: Float64Array, reach: number): Float64Array {
  const [side, wide] = [2 * half + 1, 2 * reach + 1]
  return image.map((_, p) => {
    const [x, y] = [p % side, Math.floor(p / side)]
    let sum = 0
    for (let k = 0; k < kernel.length; k++) {
      const [u, v] = [x - (k % wide) + reach, y - Math.floor(k / wide) + reach]
      if (u >= 0 && v >= 0 && u < side && v < side) sum += kernel[k] * image[v * side + u]
    }
    return sum
  })
}

t.test('the first shape of a basis has sum 1, and all others sum 0', async (t) => {
  const sums = basisImages(GAUSSIANS).map((image) => image.reduce((a, b) => a + b))
  t.ok(Math.abs(sums[0] - 1) < 1e-12)
  t.ok(sums.slice(1).every((sum) => Math.abs(sum) < 1e-9))
  t.equal(sums.length, 15 + 10 + 6)
})

for (const basis of [GAUSSIANS, { kind: 'delta', half: 5 }] as const) {
  t.test(
    `${basis.kind}: the kernel is that which widens the one into the other, and its sum the ratio of fluxes`,
    async (t) => {
      const pair = makePair(PAIR)
      const stamps = stampsOf(pair, basis)
      const { model, used } = fitKernel(stamps, basis, PAIR, OPTIONS)
      t.ok(used.filter(Boolean).length >= 0.8 * stamps.length)
      // pixels of the kernel are not told apart by stars that are wider: what it makes of the point spread counts
      for (const x of [40, 160, 280]) {
        const kernel = kernelAt(model, x, 160)
        const made = convolved(gaussianPsf(14, PAIR.sigmaReference), 14, kernel, basis.half)
        const expected = gaussianPsf(14, pair.sigmaAt(x))
        const off = Math.max(...made.map((value, p) => Math.abs(value - PAIR.ratio * expected[p])))
        // of a peak of 0.03; the smoothness of the delta basis costs some of it
        t.ok(off < (basis.kind === 'delta' ? 0.003 : 0.0015), `at ${x}: ${off}`)
        t.ok(Math.abs(kernelSum(model, x, 160) / PAIR.ratio - 1) < 0.04, `ratio at ${x}: ${kernelSum(model, x, 160)}`)
      }
    },
  )
}

t.test(
  'the noise of the image that is convolved does not make the kernel smooth it: peaks of like frames go',
  async (t) => {
    const like = { ...PAIR, sigmaNew: 1.2, sigmaReference: 1.2, spread: 0, ratio: 1, stars: 300, fluxes: [2e5, 800] }
    const pair = makePair({ ...like, noiseNew: 14, noiseReference: 14 } as PairOptions)
    const stamps = stampsOf({ ...pair, stars: pair.stars.map((star) => ({ ...star, flux: 9000 })) }, GAUSSIANS)
    const left = (sharedNoise: boolean) => {
      const { model } = fitKernel(stamps, GAUSSIANS, PAIR, { ...OPTIONS, sharedNoise })
      const made = convolved(gaussianPsf(14, 1.2), 14, kernelAt(model, 160, 160), GAUSSIANS.half)
      const middle = 14 * 29 + 14
      return made[middle] / gaussianPsf(14, 1.2)[middle] - 1
    }
    const [with_, without] = [left(true), left(false)]
    t.ok(with_ < -0.01, `least squares alone take ${with_} off the peaks`)
    // a twentieth of the noise stays in the equations, and the stamps of one field know their noise to some per cent
    t.ok(Math.abs(without) < 0.4 * Math.abs(with_), `${without} is left of it`)
  },
)

t.test('a star that has changed does not bend the kernel', async (t) => {
  const pair = makePair(PAIR)
  const straight = fitKernel(stampsOf(pair, GAUSSIANS), GAUSSIANS, PAIR, OPTIONS).model
  const [star] = pair.stars.filter(({ x, y, flux }) => flux > 3e4 && Math.min(x, y, SIZE - x, SIZE - y) > 40)
  const changed = { ...PAIR, sources: [{ ...star, flux: star.flux }] }
  const { model, used } = fitKernel(stampsOf(makePair(changed), GAUSSIANS), GAUSSIANS, PAIR, OPTIONS)
  t.ok(used.includes(false))
  t.ok(Math.abs(kernelSum(model, 160, 160) - kernelSum(straight, 160, 160)) < 0.005)
})

/** White noise, of each image its own. */
const APART: SharedNoise = { fresh: 1, reference: 1, moved: 1, share: 0, returned: false }

/** All rows of tiles of a pair, as whole images. */
function subtract(pair: ReturnType<typeof makePair>, method: 'alard' | 'zogy', pad = 30, noise: SharedNoise = APART) {
  const common = {
    ...{ width: SIZE, height: SIZE, fresh: pair.fresh, reference: pair.reference, planes: emptyPlanes() },
    ...{ freshVariance: pair.freshVariance, referenceVariance: pair.referenceVariance },
    blank: new Uint8Array(SIZE * SIZE),
    noise,
  }
  const options = { ...OPTIONS, sharedNoise: noise.share > 0 }
  const { model } = fitKernel(stampsOf(pair, GAUSSIANS), GAUSSIANS, PAIR, options)
  for (const tiles of tileRows(SIZE, SIZE, pad)) {
    const middle = (x0: number, x1: number) => pair.sigmaAt((x0 + x1) / 2)
    if (method === 'zogy') {
      const psfs = tiles.map(({ net }) => ({
        fresh: gaussianPsf(12, middle(net.x0, net.x1)),
        reference: gaussianPsf(12, PAIR.sigmaReference),
        ratio: 1 / PAIR.ratio,
      }))
      zogyRow({ ...common, tiles, method, psfs })
      continue
    }
    const psfs = tiles.map(({ net }) => ({ values: gaussianPsf(12, middle(net.x0, net.x1)) }))
    alardRow({ ...common, tiles, method, psfs, model, convolved: 'reference', decorrelate: true })
  }
  return common.planes
}

function emptyPlanes(): DifferencePlanes {
  const plane = () => new Float32Array(SIZE * SIZE)
  return { difference: plane(), error: plane(), score: plane(), fluxError: plane(), starFlux: plane() }
}

/** Mean and deviation of the pixels that lie far from all stars and from the edges. */
function awayFromStars(values: Float32Array, stars: readonly { x: number; y: number }[]) {
  let [n, sum, squares] = [0, 0, 0]
  values.forEach((value, p) => {
    const [x, y] = [p % SIZE, Math.floor(p / SIZE)]
    if (Math.min(x, y, SIZE - 1 - x, SIZE - 1 - y) < 10 || stars.some((s) => Math.hypot(s.x - x, s.y - y) < 12)) return
    n++
    sum += value
    squares += value * value
  })
  return { n, mean: sum / n, sigma: Math.sqrt(squares / n - (sum / n) ** 2) }
}

for (const method of ['alard', 'zogy'] as const) {
  t.test(
    `${method}: away from stars the score has mean 0 and deviation 1, and so has the difference over its error`,
    async (t) => {
      const pair = makePair(PAIR)
      const { difference, error, score } = subtract(pair, method)
      const scores = awayFromStars(score, pair.stars)
      const pulls = awayFromStars(
        difference.map((value, p) => value / error[p]),
        pair.stars,
      )
      // some 50 000 pixels in discs of 25 that share their noise: good to 2 %
      t.ok(Math.abs(scores.sigma - 1) < 0.04, `score ${scores.sigma} of ${scores.n}`)
      // the sky is known from the stamps alone here, to about 0.5 of a noise of 12
      t.ok(Math.abs(scores.mean) < 0.5, `mean ${scores.mean}`)
      t.ok(Math.abs(pulls.sigma - 1) < 0.02, `difference ${pulls.sigma}`)
    },
  )

  t.test(`${method}: the noise of the difference is white`, async (t) => {
    const pair = makePair({ ...PAIR, stars: 30 })
    const { difference, error } = subtract(pair, method)
    const pulls = difference.map((value, p) => value / error[p])
    const product = pulls.map((value, p) => value * (pulls[p + 1] ?? 0))
    const { mean } = awayFromStars(product, pair.stars)
    // of proper subtraction nothing is known where neither point spread has light: no noise there, a little correlation
    t.ok(Math.abs(mean) < (method === 'zogy' ? 0.06 : 0.02), `neighbours are correlated by ${mean}`)
  })

  t.test(`${method}: score times its error is the flux of a new source`, async (t) => {
    const sources = Array.from({ length: 9 }, (_, k) => ({
      x: 60 + 100 * (k % 3),
      y: 62 + 98 * Math.floor(k / 3),
      flux: 6000,
    }))
    const pair = makePair({ ...PAIR, fluxes: [2e4, 500], sources })
    const { score, fluxError } = subtract(pair, method)
    const pulls = sources.map(({ x, y, flux }) => score[y * SIZE + x] - flux / fluxError[y * SIZE + x])
    const mean = pulls.reduce((a, b) => a + b) / 9
    // the tile's one point spread is up to 4 % off: 1.5 % of flux, at 60 sigma
    t.ok(Math.abs(mean) < 1.5, `fluxes are off by ${mean} sigma`)
    t.ok(pulls.every((pull) => Math.abs(pull) < 5))
  })
}

/** The noise of the new image is in the reference too, as in a stack of which the new image is a part. */
function withShare(pair: ReturnType<typeof makePair>, share: number, sigma: number) {
  const { normal } = random(77)
  const noise = Float32Array.from(pair.fresh, () => sigma * normal())
  return {
    ...pair,
    fresh: pair.fresh.map((value, p) => value + noise[p]),
    reference: pair.reference.map((value, p) => value + share * noise[p]),
    freshVariance: pair.freshVariance.map((value) => value + sigma * sigma),
    referenceVariance: pair.referenceVariance.map((value) => value + (share * sigma) ** 2),
  }
}

for (const method of ['alard', 'zogy'] as const) {
  t.test(`${method}: noise that the reference shares with the new image is counted once`, async (t) => {
    const quiet = { ...PAIR, ratio: 1, noiseNew: 0.1, gain: 1e6, sigmaNew: 1.6, fluxes: [2e4, 2e3] } as PairOptions
    const pair = withShare(makePair(quiet), 0.25, 12)
    const judged = (noise: SharedNoise) => {
      const { difference, error, score } = subtract(pair, method, 30, noise)
      const pulls = difference.map((value, p) => value / error[p])
      return [awayFromStars(pulls, pair.stars).sigma, awayFromStars(score, pair.stars).sigma]
    }
    const [pull, score] = judged({ ...APART, share: 0.25 })
    t.ok(Math.abs(pull - 1) < 0.03, `difference ${pull}`)
    t.ok(Math.abs(score - 1) < 0.05, `score ${score}`)
    const [apart] = judged(APART)
    t.ok(apart < pull - 0.03, `taken for noise of its own the errors are too large: ${apart}`)
  })
}

t.test('an interpolated image has the noise of its pixels, and more of it in sums', async (t) => {
  for (const factor of [1, 1.1, 1.27]) {
    const power = powerAlong(360, factor)
    t.ok(Math.abs(power.reduce((a, b) => a + b) / 360 - 1) < 0.002, 'pixels keep their noise')
    // the factor of both axes is the square root of the product of their powers at frequency 0
    t.ok(Math.abs(power[0] - factor) < 0.005, `${power[0]} for ${factor}`)
  }
})

/** Lanczos weights of order 3 half way between pixels, from their definition. */
const lanczosHalf = () => {
  const sinc = (v: number) => Math.sin(Math.PI * v) / (Math.PI * v)
  const weights = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].map((v) => sinc(v) * sinc(v / 3))
  const sum = weights.reduce((a, b) => a + b)
  return weights.map((weight) => weight / sum)
}

t.test('what is interpolated a second time has more noise than errors of independent pixels say', async (t) => {
  const weights = lanczosHalf()
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0)
  const { normal } = random(5)
  const move = (row: number[]) =>
    row.map((_, i) => weights.reduce((sum, weight, k) => sum + weight * (row[i + k] ?? 0), 0))
  const twice = move(move(Array.from({ length: 60_000 }, normal)))
  const told = squares(weights) ** 2
  const factor = 1 / squares(weights)
  const { own } = noiseSpectra(
    { fresh: 1, reference: factor, moved: factor, share: 0, returned: false },
    { fresh: 1, reference: 1 },
    ...([120, 120] as const),
  )
  const more = squares(Array.from(own)) / own.length
  // of both axes
  const measured = (squares(twice) / twice.length / told) ** 2
  t.ok(measured > 1.2, `${measured}`)
  t.ok(Math.abs(more / measured - 1) < 0.03, `${more} where ${measured} is measured`)
})

t.test('nothing changes with the size of the tiles but the last digits', async (t) => {
  const pair = makePair({ ...PAIR, spread: 0, fluxes: [2e4, 500] })
  const [a, b] = [subtract(pair, 'alard', 30), subtract(pair, 'alard', 60)]
  const off = a.difference.reduce((worst, value, p) => Math.max(worst, Math.abs(value - b.difference[p])), 0)
  t.ok(off < 0.1, `of a noise of 12: ${off}`)
})

t.test(
  'new and reference may change places: the one minus the other is the negative of the other minus the one',
  async (t) => {
    const pair = makePair({ ...PAIR, sigmaNew: 1.5, sigmaReference: 2, spread: 0, ratio: 1, fluxes: [5e4, 500] })
    const bad = new Uint8Array(SIZE * SIZE)
    const size = { width: SIZE, height: SIZE, bad }
    const sharp = { ...size, pixels: pair.fresh, variance: pair.freshVariance }
    const broad = { ...size, pixels: pair.reference, variance: pair.referenceVariance }
    const stamps = pair.stars
      .filter(({ flux }) => flux > 5000)
      .flatMap(({ x, y }) => stampAt(sharp, broad, GAUSSIANS, Math.round(x), Math.round(y), 10) ?? [])
    const { model } = fitKernel(stamps, GAUSSIANS, PAIR, { ...OPTIONS, order: 0, constantRatio: true })
    const [tiles] = tileRows(SIZE, SIZE, 30)
    const psfs = tiles.map(() => ({ values: gaussianPsf(12, 2) }))
    const shared = {
      width: SIZE,
      height: SIZE,
      tiles,
      method: 'alard',
      blank: bad,
      model,
      decorrelate: true,
      psfs,
      noise: APART,
    } as const
    const [forth, back] = [emptyPlanes(), emptyPlanes()]
    alardRow({
      ...{ ...shared, planes: forth },
      ...{ fresh: pair.fresh, reference: pair.reference, convolved: 'new' },
      ...{ freshVariance: pair.freshVariance, referenceVariance: pair.referenceVariance },
    })
    alardRow({
      ...{ ...shared, planes: back },
      ...{ fresh: pair.reference, reference: pair.fresh, convolved: 'reference' },
      ...{ freshVariance: pair.referenceVariance, referenceVariance: pair.freshVariance },
    })
    const ratio = kernelSum(model, 160, 160)
    const off = forth.score.reduce((worst, value, p) => Math.max(worst, Math.abs(value + back.score[p])), 0)
    t.ok(off < 1e-3, `scores differ by ${off}`)
    const middle = 160 * SIZE + 160
    t.ok(Math.abs(forth.difference[middle] * ratio + back.difference[middle]) < 1e-3)
  },
)

t.test('stamps with too many bad pixels, or over the edge, are none', async (t) => {
  const { normal } = random(4)
  const pixels = Float32Array.from({ length: SIZE * SIZE }, () => normal())
  const image = { width: SIZE, height: SIZE, pixels, variance: new Float32Array(SIZE * SIZE).fill(1) }
  const good = { ...image, bad: new Uint8Array(SIZE * SIZE) }
  t.ok(stampAt(good, good, GAUSSIANS, 100, 100, 10))
  t.equal(stampAt(good, good, GAUSSIANS, 17, 100, 10), undefined)
  const bad = { ...image, bad: new Uint8Array(SIZE * SIZE).fill(1, 96 * SIZE, 101 * SIZE) }
  t.equal(stampAt(good, bad, GAUSSIANS, 100, 100, 10), undefined)
  t.throws(() => fitKernel([], GAUSSIANS, PAIR, OPTIONS), /no stamps/)
})
