import { random } from '@nightpipe/math'
import t from 'tap'
import { flatResponse, ratioErrors } from '../src/index.js'

const N = 4000
const blaze = (x: number) => 0.3 + 0.7 * Math.sin((Math.PI * (x + 0.5)) / N) ** 2

/** A spectrum of so many electrons at its highest, with their noise and that of the read-out. */
function exposure(peak: number, seed: number) {
  const noise = random(seed)
  const uncertainty = Float64Array.from({ length: N }, (_, x) => Math.sqrt(peak * blaze(x) + 50))
  const flux = uncertainty.map((sigma, x) => peak * blaze(x) + sigma * noise.normal())
  return { flux, uncertainty, mask: new Int32Array(N) }
}

const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length)

t.test(
  'a flat as noisy as the stars divided by it: errors say what ratios scatter by, and what of it averages out',
  (t) => {
    const flat = flatResponse(exposure(20000, 1))
    const stars = Array.from({ length: 25 }, (_, k) => ({
      ...exposure(10000, 2 + k),
      ...{ blaze: flat.response, blazeError: flat.error },
    }))
    const errors = stars.map((star) => ratioErrors(star))
    // the level of the flat's highest is fixed by the flat itself: a constant, common to all columns
    const truth = 10000 / (20000 / flat.amplitude)
    const off = (k: number, x: number) => stars[k]!.flux[x]! / flat.response[x]! - truth
    const inner = Array.from({ length: N - 200 }, (_, x) => x + 100)
    const single = rms(inner.map((x) => off(0, x) / errors[0]!.all[x]!))
    t.ok(Math.abs(single - 1) < 0.04, `one star: ${single}`) // 3800 columns: 0.012, and the flat's level
    const alone = rms(inner.map((x) => off(0, x) / (stars[0]!.uncertainty[x]! / flat.response[x]!)))
    t.ok(alone > 1.15, `without the flat's noise errors would be too small by ${alone}`)
    const mean = inner.map((x) => {
      const [sum, own] = stars.reduce(
        ([total, square], _, k) => [total + off(k, x), square + errors[k]!.all[x]! ** 2 - errors[k]!.common[x]! ** 2],
        [0, 0],
      )
      const common = errors[0]!.common[x]!
      return sum / stars.length / Math.sqrt(own / stars.length ** 2 + common ** 2)
    })
    t.ok(Math.abs(rms(mean) - 1) < 0.04, `the mean of 25: ${rms(mean)}`)
    t.end()
  },
)

t.test('without a response there is no ratio, and a flat without errors adds none', (t) => {
  const one = { flux: Float64Array.of(10, 10, Number.NaN), uncertainty: Float64Array.of(1, 1, 1) }
  const { all, common } = ratioErrors({ ...one, blaze: Float64Array.of(0, 0.5, 1), blazeError: undefined })
  t.same([...all], [Number.NaN, 2, Number.NaN])
  t.same([...common], [Number.NaN, 0, Number.NaN])
  const floored = ratioErrors({ ...one, blaze: Float64Array.of(0, 0.5, 1) }, 0.1)
  t.equal(floored.all[0], 10)
  t.end()
})
