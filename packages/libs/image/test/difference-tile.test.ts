import t from 'tap'
import { limitVariance, typicalVariance } from '../src/difference/tile.js'

t.test('a variance that nobody believes is limited, those of stars are not', async (t) => {
  const variance = Float32Array.from({ length: 4096 }, (_, p) => (p % 50 === 7 ? 30_000 : 100 + (p % 10)))
  variance[2000] = 1e10
  variance[3000] = 0
  const before = variance.slice()
  limitVariance(variance)
  t.equal(variance[2000], 1e4 * typicalVariance(before))
  t.equal(variance[3000], 0)
  before[2000] = variance[2000]!
  t.same(variance, before)
})
