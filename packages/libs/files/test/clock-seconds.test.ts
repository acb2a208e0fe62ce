import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { clockSeconds } from '../src/index.js'

t.test('seconds pass as those of another clock do, within what a timer may be early or late', async (t) => {
  // the other clock runs before this one and after it
  const other = performance.now()
  const start = clockSeconds()
  await wait(30)
  const passed = clockSeconds() - start
  t.ok(passed > 0.028, `${passed} s`)
  t.ok(passed <= (performance.now() - other) / 1000 + 1e-5, `${passed} s`)
})
