import { random } from '@nightpipe/math'
import t from 'tap'
import { fitPattern, subtractPatternInPlace } from '../src/index.js'

const N = 10_000
const positions = Int32Array.from({ length: N / 2 }, (_, k) => 2 * k)
const pattern = Float32Array.from({ length: N }, (_, p) => 0.05 * Math.sin(p / 17))

t.test('the factor of a pattern comes out within its error, stars and missing values or not', async (t) => {
  const { normal, uniform } = random(3)
  const pixels = Float32Array.from(pattern, (v) => 300 + 250 * v + 17 * normal())
  for (let k = 0; k < 300; k++) pixels[Math.floor(uniform() * N)] += 2000
  for (let k = 0; k < 50; k++) pixels[Math.floor(uniform() * N)] = Number.NaN
  const { scale, error } = fitPattern(pixels, pattern, positions)
  t.ok(Math.abs(scale - 250) < 4 * error, `${scale} +- ${error}`)
  // 17 of noise over the root of 5000 and the deviation of the pattern, 0.0354
  t.ok(Math.abs(error - 17 / Math.sqrt(5000) / 0.0354) < 0.7)
})

t.test('what is taken off leaves the level, and its error joins', async (t) => {
  const pixels = Float32Array.from(pattern, (v) => 300 + 250 * v)
  const error = new Float32Array(N).fill(3)
  const shifted = pattern.map((v) => v + 7)
  shifted[5] = Number.NaN
  subtractPatternInPlace({ pixels, error }, shifted, new Float32Array(N).fill(0.016), positions, 250)
  t.ok(
    pixels.every((v, p) => p === 5 || Math.abs(v - 300) < 0.6),
    'flat, at the level of before',
  )
  t.equal(pixels[5], Math.fround(300 + 250 * pattern[5]), 'without a pattern nothing is done')
  t.ok(Math.abs(error[0] - 5) < 1e-6 && error[5] === 3)
})

t.test('a pattern that does not vary has no factor', async (t) => {
  t.same(fitPattern(pattern, new Float32Array(N).fill(1), positions), { scale: 0, error: 0 })
  t.same(fitPattern(pattern, pattern, new Int32Array(0)), { scale: 0, error: 0 })
})
