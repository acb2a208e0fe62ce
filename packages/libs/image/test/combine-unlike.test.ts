// Errors of medians and of means without extremes in stars, whose light changes from frame to frame with the seeing.
import { random } from '@nightpipe/math'
import t from 'tap'
import { combinePlanes } from '../src/index.js'

const REALISATIONS = 400
const SKY_NOISE = 10
/** Light of the pixels of stars in a frame of mean seeing: from the noise of the sky to 400 times that. */
const LEVELS = Float64Array.from({ length: 48 }, (_, p) => 10 ** (1 + (2.6 * p) / 47))
/** Pixels of stars, and as many of sky. */
const FIELD = 2 * LEVELS.length

interface Night {
  method: 'median' | 'minmax'
  frames: number
  /** From the mean of the seeing to its extremes, of light at the peak of a star. */
  ratio: number
  /** Errors of the frames are given, not their noise. */
  told?: boolean
  /** The first frame has nothing in every so manyth realisation. */
  hole?: number
}

/**
 * Root mean squares of what results scatter by over what their errors tell: of stars, of sky, and of the worst sixth of the stars.
 * Electrons with photon noise; every realisation of a pixel is a pixel of its own.
 */
function scatterOf({ method, frames, ratio, told, hole = Number.POSITIVE_INFINITY }: Night) {
  const { normal } = random(7)
  const n = FIELD * REALISATIONS
  const depths = Array.from({ length: frames }, (_, k) => ratio ** (1 - (2 * k) / (frames - 1)))
  const light = (p: number, depth: number) => (p % FIELD < LEVELS.length ? LEVELS[p % FIELD] * depth : 0)
  const sigma = (p: number, depth: number) => Math.sqrt(SKY_NOISE ** 2 + light(p, depth))
  const empty = (p: number, k: number) => k === 0 && Math.floor(p / FIELD) % hole === 1
  const planes = depths.map((depth, k) =>
    Float32Array.from({ length: n }, (_, p) => {
      const value = light(p, depth) + sigma(p, depth) * normal()
      return empty(p, k) ? Number.NaN : value
    }),
  )
  const errors = depths.map((depth) => Float32Array.from({ length: n }, (_, p) => sigma(p, depth)))
  const out = { pixels: new Float32Array(n), error: new Float32Array(n) }
  const from = told ? { errors } : { noise: { variance0: SKY_NOISE ** 2, variancePerUnit: 1 } }
  combinePlanes(planes, { method, unlike: 0.15 + ratio - 1, ...from }, out)
  const used = (k: number) => k % hole !== 1
  const ratios = Array.from({ length: FIELD }, (_, at) => scatterAt(out, at, used))
  const stars = ratios.slice(0, LEVELS.length)
  const sixths = [0, 1, 2, 3, 4, 5].map((k) => rms(stars.slice(8 * k, 8 * k + 8)))
  return { stars: rms(stars), sky: rms(ratios.slice(LEVELS.length)), worst: Math.max(...sixths) }
}

function scatterAt(
  { pixels, error }: { pixels: Float32Array; error: Float32Array },
  at: number,
  used: (k: number) => boolean,
): number {
  let [n, sum, squares, variance] = [0, 0, 0, 0]
  for (let k = 0; k < REALISATIONS; k++) {
    if (!used(k)) continue
    const p = at + FIELD * k
    n++
    sum += pixels[p]
    squares += pixels[p] ** 2
    variance += error[p] ** 2
  }
  return Math.sqrt((squares - sum ** 2 / n) / variance)
}

const rms = (list: readonly number[]) => Math.sqrt(list.reduce((sum, value) => sum + value * value, 0) / list.length)

for (const method of ['median', 'minmax'] as const) {
  for (const frames of [3, 4, 5, 10, 40]) {
    t.test(`${method} of ${frames}: errors are what they tell where the seeing changes`, async (t) => {
      for (const ratio of [1.3, 1.7]) {
        for (const told of [false, true]) {
          const { stars, sky, worst } = scatterOf({ method, frames, ratio, told })
          t.ok(stars > 0.96 && stars < 1.05, `light by ${ratio}: in stars ${stars}`)
          t.ok(sky > 0.97 && sky < 1.03, `on the sky ${sky}`)
          t.ok(worst < 1.1, `in the worst sixth of the stars ${worst}`)
        }
      }
      // what is not there cannot quite be told from what is: errors are a little too large
      const { stars } = scatterOf({ method, frames, ratio: 1 })
      t.ok(stars > 0.95 && stars < 1.03, `of one seeing: in stars ${stars}`)
    })
  }
  t.test(`${method}: likewise where a frame has nothing`, async (t) => {
    const { stars, sky } = scatterOf({ method, frames: 10, ratio: 1.5, hole: 2 })
    t.ok(stars > 0.96 && stars < 1.05, `in stars ${stars}`)
    t.ok(sky > 0.97 && sky < 1.03, `on the sky ${sky}`)
  })
}

t.test('the order of unlike frames does not change an error', async (t) => {
  const planes = [900, 400, 1300, 700, 1000, 650].map((value) => Float32Array.of(value, 3 * value))
  for (const method of ['median', 'minmax'] as const) {
    const errors = [planes, planes.toReversed()].map((list) => {
      const out = { pixels: new Float32Array(2), error: new Float32Array(2) }
      return combinePlanes(list, { method, unlike: 0.6, noise: { variance0: 100, variancePerUnit: 1 } }, out).error!
    })
    for (const [p, error] of errors[0].entries()) t.ok(Math.abs(error / errors[1][p] - 1) < 1e-6)
  }
})
