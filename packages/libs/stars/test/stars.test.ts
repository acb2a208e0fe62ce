import t from 'tap'
import { StarFlag } from '../src/index.js'

t.test('every flag has a bit of its own', async (t) => {
  const bits = Object.values(StarFlag)
  t.equal(
    bits.reduce((all, bit) => all | bit, 0),
    bits.reduce((all, bit) => all + bit, 0),
  )
})
