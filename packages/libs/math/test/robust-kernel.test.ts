import { allocate, scoped } from '@nightpipe/kernels'
import t from 'tap'
import { random, robustStatistics, truncationFactor } from '../src/index.js'
import { plainStatistics } from '../src/robust-statistics.js'

const r = random(51)

const KINDS: Record<string, () => number> = {
  noise: () => r.normal(),
  'sky with stars': () => 100 + 5 * r.normal() + (r.uniform() < 0.1 ? 1000 * r.uniform() : 0),
  integers: () => Math.round(3 * r.normal()) + 100,
  'two fifths saturated': () => (r.uniform() < 0.4 ? 5e4 : 100 + r.normal()),
  'a fifth NaN, infinite or zero': () =>
    r.uniform() < 0.2 ? [Number.NaN, Infinity, -Infinity, 0][r.bits() & 3] : r.normal(),
  'all equal': () => 7,
  'all NaN': () => Number.NaN,
  'seven orders of magnitude': () => Math.exp(3 * r.normal()),
  'mostly equal': () => (r.uniform() < 0.7 ? 3 : 3 + 1e6 * r.normal()),
}

t.test('statistics of floats in the kernel are those of the plain loops, for any data', async (t) => {
  for (const [kind, draw] of Object.entries(KINDS)) {
    const wrong: unknown[] = []
    for (let trial = 0; trial < 60; trial++) {
      const values = Float32Array.from({ length: 256 + Math.floor(3000 * r.uniform()) }, draw)
      const options = { clip: [3, 2, 4, 1.5][trial & 3], iterations: trial % 6 }
      const [ours, plain] = [robustStatistics(values, options), plainStatistics(values, options)]
      for (const key of ['mean', 'median', 'sigma', 'minimum', 'maximum', 'count', 'bad'] as const) {
        // sums are of float32 squares: 2e-5 of sigma; counts, medians and extremes are exact
        const tolerance = key === 'mean' || key === 'sigma' ? 2e-5 * plain.sigma : 0
        const same = Object.is(ours[key], plain[key]) || Math.abs(ours[key] - plain[key]) <= tolerance
        if (!same) wrong.push([key, ours[key], plain[key], options, values.length])
      }
    }
    t.same(wrong, [], kind)
  }
})

t.test('a million values, in kernel memory or not, a median far from the mean', async (t) => {
  const values = Float32Array.from({ length: 1 << 20 }, () => Math.exp(2 * r.normal()))
  const plain = plainStatistics(values, { clip: 5 })
  const ours = robustStatistics(values, { clip: 5 })
  t.equal(ours.median, plain.median)
  t.equal(ours.count, plain.count)
  scoped(() => {
    const lent = allocate(Float32Array, values.length)
    lent.set(values)
    t.same(robustStatistics(lent, { clip: 5 }), ours)
  })
})

t.test('sigma of Gaussian noise is right whatever the clip: the tails that it cuts are reckoned with', async (t) => {
  const values = Float32Array.from({ length: 200_000 }, () => 5 * r.normal())
  for (const clip of [2, 2.5, 3, 4, 5]) {
    const { sigma } = robustStatistics(values, { clip, iterations: 10 })
    t.ok(Math.abs(sigma / 5 - 1) < 0.01, `clip ${clip}: ${sigma}`) // the correction amplifies noise at 2 sigma
  }
  // the variance of a Gaussian cut at 3 sigma is 0.97334 of the whole
  t.ok(Math.abs(truncationFactor(3) - 1 / Math.sqrt(0.9733369)) < 1e-6)
  const integers = Float32Array.from({ length: 100_000 }, () => Math.round(2 * r.normal() + 0.3))
  t.ok(Math.abs(robustStatistics(integers).sigma / Math.sqrt(4 + 1 / 12) - 1) < 0.02)
})
