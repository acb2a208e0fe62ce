import { allocate, scoped } from '@nightpipe/kernels'
import t from 'tap'
import { histogram, random } from '../src/index.js'

t.test('every value is counted once, in its bin, below, above or as bad', async (t) => {
  const r = random(71)
  for (const n of [0, 1, 1000, 50_001]) {
    const values = Float32Array.from({ length: n }, () =>
      r.uniform() < 0.1 ? [Number.NaN, Infinity, -Infinity, 3][r.bits() & 3] : r.normal(),
    )
    const [low, high, bins] = [-1.5, 3, 37]
    const counts = new Uint32Array(bins)
    const rest = { below: 0, above: 0, bad: 0 }
    for (const value of values) {
      if (Number.isNaN(value)) rest.bad++
      else if (value < low) rest.below++
      else if (value >= high) rest.above++
      else counts[Math.floor((value - low) * (bins / (high - low)))]++
    }
    t.same(histogram(values, low, high, bins), { low, high, counts, ...rest })
    scoped(() => {
      const lent = allocate(Float32Array, n)
      lent.set(values)
      t.same(histogram(lent, low, high, bins).counts, counts)
    })
  }
  t.throws(() => histogram(new Float32Array(1), 1, 1, 3), RangeError)
  t.throws(() => histogram(new Float32Array(1), 0, 1, 0), RangeError)
})
