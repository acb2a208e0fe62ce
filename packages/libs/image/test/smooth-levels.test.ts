import { fitLine, random } from '@nightpipe/math'
import t from 'tap'
import { smoothed, smoothedWell } from '../src/index.js'

t.test('smoothed levels are straight lines fitted to the rows around each', async (t) => {
  const r = random(3)
  const levels = Float32Array.from({ length: 60 }, (_, y) => 1000 + y / 5 + r.normal())
  const smooth = smoothed(levels, 15)
  for (let y = 0; y < 60; y++) {
    const rows = Array.from({ length: 60 }, (_, k) => k).filter((k) => Math.abs(k - y) <= 7)
    const x = rows.map((k) => k - y)
    const { intercept } = fitLine(
      x,
      rows.map((k) => levels[k]),
    )
    t.ok(Math.abs(smooth[y] - intercept) < 2e-4, `row ${y}: ${smooth[y]}, ${intercept}`)
  }
})

t.test('smoothed levels keep a constant and a straight line as they are', async (t) => {
  const constant = new Float32Array(100).fill(1000.25)
  t.same(smoothed(constant, 51), constant)
  const line = Float32Array.from({ length: 100 }, (_, y) => 1000 + y / 4)
  t.ok(smoothed(line, 51).every((v, y) => Math.abs(v - line[y]) < 1e-3))
  t.same(smoothed(Float32Array.of(5), 51), Float32Array.of(5))
})

t.test('as many rows are averaged as the level allows: a drift is followed, noise is not', async (t) => {
  const r = random(4)
  const drift = (y: number, period: number) => 1000 + 4 * Math.sin((2 * Math.PI * y) / period)
  const rms = (a: Float32Array, truth: (y: number) => number) =>
    Math.sqrt(a.reduce((sum, v, y) => sum + (v - truth(y)) ** 2, 0) / a.length)
  for (const [period, limit] of [
    [1e9, 0.2], // over 51 rows: 1 / √51, and some more at the ends
    [800, 0.25],
    [70, 0.5],
    [12, 1.05],
  ]) {
    const truth = (y: number) => drift(y, period)
    const levels = Float32Array.from({ length: 800 }, (_, y) => truth(y) + r.normal())
    const left = rms(smoothedWell(levels, 51, 1).rows, truth)
    t.ok(left < limit, `period ${period}: ${left}`)
  }
})
