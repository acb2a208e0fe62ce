// Numbers from other people's code: fixtures/statistics/README.md says how they were made.
import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  fitLine,
  fitPolynomial,
  mad,
  medianOf,
  normalBelow,
  normalQuantile,
  percentile,
  robustStatistics,
} from '../src/index.js'

const url = new URL('../../../../../fixtures/statistics/reference.json', import.meta.url)
const reference = JSON.parse(readFileSync(url, 'utf8')) as {
  values: number[]
  median: number
  mad: number
  percentiles: Record<string, number>
  clipped: { mean: number; median: number; sigma: number }
  x: number[]
  y: number[]
  errors: number[]
  line: { slope: number; intercept: number; covariance: number[] }
  cubicAt: Record<string, number>
  quantiles: [number, number][]
}
const values = Float32Array.from(reference.values)
const near = (a: number, b: number, relative: number) => Math.abs(a - b) <= relative * Math.abs(b)

t.test('median, MAD and percentiles are those of numpy and scipy', async (t) => {
  t.ok(near(medianOf(values), reference.median, 1e-12))
  t.ok(near(mad(values), reference.mad, 1e-12))
  for (const [q, expected] of Object.entries(reference.percentiles)) {
    t.ok(near(percentile(values, Number(q)), expected, 1e-12), `${q} %`)
  }
})

t.test('clipped statistics are those of astropy, sigma within what it loses by the tails it cuts', async (t) => {
  const { mean, median, sigma } = robustStatistics(values, { iterations: 10 })
  // astropy never takes a value back, and its sigma is that of the cut distribution: a few values and 1.3 %
  t.ok(Math.abs(mean - reference.clipped.mean) < 0.05 * sigma)
  t.ok(Math.abs(median - reference.clipped.median) < 0.02 * sigma)
  t.ok(Math.abs(sigma / reference.clipped.sigma - 1.0136) < 0.02)
})

t.test('weighted fits and their errors are those of numpy.polyfit', async (t) => {
  const { x, y, errors, line, cubicAt } = reference
  const fit = fitLine(x, y, { errors })
  t.ok(near(fit.slope, line.slope, 1e-9))
  t.ok(near(fit.intercept, line.intercept, 1e-9))
  t.ok(near(fit.slopeError ** 2, line.covariance[0], 1e-9))
  t.ok(near(fit.covariance, line.covariance[1], 1e-9))
  t.ok(near(fit.interceptError ** 2, line.covariance[3], 1e-9))
  const cubic = fitPolynomial(x, y, 3, { errors })
  for (const [at, expected] of Object.entries(cubicAt)) t.ok(near(cubic.at(Number(at)), expected, 1e-9), `at ${at}`)
})

t.test('normal quantiles are those of scipy, and the inverse of the distribution', async (t) => {
  for (const [p, z] of reference.quantiles) {
    t.ok(Math.abs(normalQuantile(p) - z) < 1e-9 * Math.max(1, Math.abs(z)), `${p}`)
    t.ok(near(normalBelow(z), p, 1e-9), `${z}`)
  }
  t.equal(normalQuantile(0), -Infinity)
  t.equal(normalQuantile(1), Infinity)
  t.ok(Number.isNaN(normalQuantile(-1)))
})
