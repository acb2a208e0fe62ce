import t from 'tap'
import {
  MAD_TO_SIGMA,
  mad,
  median,
  medianOf,
  mode,
  percentile,
  random,
  robustStatistics,
  select,
  sum,
} from '../src/index.js'

t.test(
  'select, median and percentile agree with sorting, for every length up to 40 and values that repeat',
  async (t) => {
    const { uniform } = random(11)
    for (let n = 1; n <= 40; n++) {
      const values = Float64Array.from({ length: n }, () => Math.floor(uniform() * n))
      const sorted = values.toSorted()
      for (let k = 0; k < n; k++) t.equal(select(values.slice(), k), sorted[k])
      const middle = (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2
      t.equal(median(values.slice()), middle)
      t.equal(medianOf(values), middle)
      t.equal(percentile(values, 50), middle)
      t.equal(percentile(values, 0), sorted[0])
      t.equal(percentile(values, 100), sorted[n - 1])
    }
  },
)

t.test('select reorders the head of arrays of every kind alike, and leaves the rest', async (t) => {
  const { uniform } = random(12)
  for (const n of [1, 2, 7, 30]) {
    const whole = Array.from({ length: n + 3 }, () => Math.floor(100 * uniform()))
    const sorted = whole.slice(0, n).sort((a, b) => a - b)
    const kinds = [Float64Array, Float32Array, Int32Array, Int16Array, Uint16Array, Uint8Array]
    for (const copy of [...kinds.map((kind) => () => new kind(whole)), () => whole.slice()]) {
      for (let k = 0; k < n; k++) {
        const values = copy()
        t.equal(select(values, k, n), sorted[k])
        t.ok(values.slice(0, k).every((value) => value <= sorted[k]!))
        t.ok(values.slice(k, n).every((value) => value >= sorted[k]!))
        t.same(
          [...values.slice(0, n)].sort((a, b) => a - b),
          sorted,
        )
        t.same([...values.slice(n)], whole.slice(n))
      }
    }
  }
})

t.test('NaN is left out, and nothing but NaN is NaN', async (t) => {
  const { NaN: nan } = Number
  t.equal(medianOf([nan, 3, 1, nan, 2]), 2)
  t.equal(mad([nan, 1, 2, 3, 4, 100]), 1)
  t.equal(percentile([nan, 1, 2], 50), 1.5)
  for (const f of [medianOf, mad, mode, (v: number[]) => percentile(v, 20)]) {
    t.ok(Number.isNaN(f([])))
    t.ok(Number.isNaN(f([nan, nan])))
  }
  t.throws(() => percentile([1], 101), RangeError)
})

t.test('the input is not changed, except by select and median', async (t) => {
  const values = [5, 3, 9, 1]
  medianOf(values)
  mad(values)
  percentile(values, 30)
  mode(values)
  robustStatistics(values)
  t.same(values, [5, 3, 9, 1])
})

t.test('the sum keeps what a plain loop loses', async (t) => {
  t.equal(sum([1, 1e100, 1, -1e100]), 2)
  t.equal(sum(new Float64Array(10).fill(0.1)), 1)
  t.equal(sum([1, Number.POSITIVE_INFINITY]), Number.POSITIVE_INFINITY)
  t.equal(sum([]), 0)
})

t.test('robust statistics of Gaussian noise with 5 % wild values: within 1 % of the truth', async (t) => {
  const { normal, uniform } = random(5)
  const values = Float32Array.from({ length: 40000 }, (_, i) => 50 + 4 * normal() + (i % 20 ? 0 : 500 * uniform() + 60))
  values[7] = Number.NaN
  values[8] = Number.POSITIVE_INFINITY
  const stats = robustStatistics(values)
  t.equal(stats.bad, 2)
  t.ok(Math.abs(stats.median - 50) < 0.1)
  t.ok(Math.abs(stats.mean - 50) < 0.1)
  t.ok(Math.abs(stats.sigma / 4 - 1) < 0.01)
  t.ok(Math.abs((MAD_TO_SIGMA * mad(values)) / 4 - 1) < 0.1)
})

t.test('robust statistics of quantised, of equal, of one and of no values', async (t) => {
  t.match(robustStatistics([4, 4, 4, 4, 4, 4, 4, 5]), { median: 4, count: 8 })
  t.match(robustStatistics([7, 7, 7]), { mean: 7, median: 7, sigma: 0, count: 3 })
  t.match(robustStatistics([7]), { mean: 7, sigma: 0, count: 1, minimum: 7, maximum: 7 })
  const none = robustStatistics([])
  t.equal(none.count, 0)
  t.ok(Number.isNaN(none.mean) && Number.isNaN(none.sigma) && Number.isNaN(none.minimum))
})

t.test('the mode finds the sky under a tail of stars', async (t) => {
  const { normal, uniform } = random(9)
  const sky = Float64Array.from({ length: 20000 }, (_, i) => 100 + normal() + (i % 3 ? 0 : 20 * uniform()))
  t.ok(Math.abs(mode(sky) - 100) < 0.3)
  t.ok(medianOf(sky) > 100.4)
})
