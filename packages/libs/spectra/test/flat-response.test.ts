import { medianOf, random } from '@nightpipe/math'
import t from 'tap'
import { runningMedian } from '../src/flat-response.js'
import {
  checkFlat,
  divideByFlat,
  divideLamp,
  flatRange,
  flatResponse,
  SpectrumBit,
  weakResponse,
} from '../src/index.js'

const N = 600
const blaze = (x: number) => Math.sin((Math.PI * (x + 0.5)) / N) ** 2

/** A flat of 1e5 electrons at its highest, with the response of each column and noise. */
function flat(column: (x: number) => number = () => 1) {
  const noise = random(7)
  const uncertainty = Float64Array.from({ length: N }, (_, x) => Math.sqrt(1e5 * blaze(x) + 100))
  const flux = uncertainty.map((sigma, x) => 1e5 * blaze(x) * column(x) + sigma * noise.normal())
  return { flux, uncertainty, mask: new Int32Array(N) }
}

t.test('the response is the flux over its highest, and follows the columns of the detector', async (t) => {
  const { response, amplitude, error } = flatResponse(flat((x) => (x === 200 ? 0.6 : 1)))
  t.ok(Math.abs(amplitude / 1e5 - 1) < 0.005)
  for (const x of [100, 300, 450]) t.ok(Math.abs(response[x]! / blaze(x) - 1) < 4 * (error[x]! / response[x]!) + 0.005)
  t.ok(Math.abs(response[200]! / blaze(200) - 0.6) < 0.02, 'a weak column is the detector’s, and stays')
  t.ok(weakResponse(response, 200))
  t.notOk(weakResponse(response, 199))
  t.equal(response[0], 0, 'where there is no light there is no response')
})

t.test('the clip is the root of the mean square: nres.md 4.6 compared with the mean square itself', async (t) => {
  // 20 sigma above in one column: far below the mean square (some 1e5), far above five times its root
  const spoiled = flat()
  spoiled.flux[300]! += 20 * spoiled.uncertainty[300]!
  const [clean, mended] = [flatResponse(flat()), flatResponse(spoiled)]
  t.ok(Math.abs(mended.response[300]! - clean.response[300]!) < 3 * clean.error[300]!)
})

t.test('a dip is mended where a cosmic ray was taken out, and only there', async (t) => {
  const dip = flat((x) => (x === 300 ? 0.9 : 1))
  t.ok(flatResponse(dip).response[300]! < 0.92)
  dip.mask[300] = SpectrumBit.cosmicRay
  t.ok(flatResponse(dip).response[300]! > 0.98)
})

t.test('the range of a flat is where it is above a tenth about the middle; of none, the middle half', async (t) => {
  const response = Float64Array.from({ length: N }, (_, x) => blaze(x))
  const [first, last] = flatRange(response)
  t.ok(response[first]! > 0.1 && response[first - 1]! <= 0.1)
  t.ok(response[last]! > 0.1 && response[last + 1]! <= 0.1)
  t.same(flatRange(new Float64Array(100)), [25, 74])
})

t.test('a star over its flat: the amplitude, the quotient, and what is left', async (t) => {
  const response = Float64Array.from({ length: N }, (_, x) => blaze(x))
  const flux = response.map((value, x) => 5000 * value * (x === 310 ? 0.5 : 1))
  const mask = new Int32Array(N)
  mask[305] = SpectrumBit.bad
  flux[305] = 1e6
  const { amplitude, ratio, difference, extracted } = divideByFlat({ flux, mask }, response, SpectrumBit.bad)
  t.ok(Math.abs(amplitude / 5000 - 1) < 0.01, 'the masked column does not count')
  t.ok(Math.abs(ratio[310]! - 2500) < 1e-6, 'the line is still there')
  t.ok(Math.abs(ratio[305]! - 5000) < 300, 'the masked column is filled from its neighbours')
  t.ok(Math.abs(difference[200]!) < 0.01 * 5000)
  t.same([extracted[3], ratio[3], difference[3]], [0, 0, 0], 'outside of the range of the flat')
})

t.test('a lamp over its flat is cut nowhere, and never divided by less than a tenth', async (t) => {
  t.same([...divideLamp({ flux: Float64Array.of(10, 20, Number.NaN) }, [0, 0.5, 1])], [100, 40, 0])
})

t.test('flats are judged as the NRES pipeline did', async (t) => {
  const good = Float64Array.from({ length: N }, (_, x) => blaze(x))
  const all = (f: ArrayLike<number>) => () => f
  t.equal(checkFlat(all(good), 67, [0, 1]).code, 1)
  t.equal(checkFlat(all(good), 67, []).code, 0)
  t.equal(checkFlat(all(new Float64Array(N).fill(0.3)), 67, [0]).code, -1)
  const rough = good.map((value, x) => value * (x % 2 ? 0.9 : 1))
  t.equal(checkFlat((order) => (order >= 20 && order < 23 ? rough : good), 67, [0]).code, -2)
  t.equal(checkFlat((order) => (order >= 20 && order < 22 ? rough : good), 67, [0]).code, 1, 'two may be')
  const high = good.map((value, x) => (x === 1 ? 2 : value))
  t.equal(checkFlat((order) => (order < 3 ? high : good), 67, [0]).code, -3)
  const saturated = good.map((value) => Math.min(0.99, 1.6 * value))
  const { code, reason } = checkFlat(all(saturated), 67, [0])
  t.equal(code, -4)
  t.match(reason, /above 0\.985: saturated\?/)
})

t.test(
  'the running median is the median of the usable values of each window, at the ends and beside holes too',
  async (t) => {
    const { uniform } = random(3)
    // few different values: equal ones must leave the window one by one
    const flux = Float64Array.from({ length: 90 }, (_, x) => (x % 7 === 2 ? Number.NaN : Math.floor(6 * uniform())))
    for (let x = 30; x < 50; x++) flux[x] = Number.NaN
    const usable = (x: number) => Number.isFinite(flux[x])
    const found = runningMedian(flux, usable, 11)
    for (let x = 0; x < flux.length; x++) {
      const expected = medianOf(flux.slice(Math.max(0, x - 5), x + 6))
      t.ok(Object.is(found[x], expected), `${x}: ${found[x]} of ${expected}`)
    }
  },
)
