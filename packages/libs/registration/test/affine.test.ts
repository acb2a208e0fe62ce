import t from 'tap'
import { transform } from '../src/index.js'

t.test('a quarter turn and a shift', async (t) => {
  t.same(transform([0, -1, 10, 1, 0, 20], 3, 4), [6, 23])
})
