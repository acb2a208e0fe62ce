import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tracesFromHand, traceY } from '@nightpipe/spectra'
import t from 'tap'
import { parseHandTrace } from '../src/index.js'

const file = fileURLToPath(new URL('../../../../../fixtures/hand-traces/cpt-2017a.txt', import.meta.url))
const text = readFileSync(file, 'utf8')
const size = { width: 4096, height: 4096, orders: 67, fibres: 3, degree: 5, rows: 11, blocks: 12 }

t.test('the hand trace of Sutherland gives the positions that the NRES pipeline gets from it', async (t) => {
  const hand = parseHandTrace(text, 'cpt-2017a.txt')
  t.same(hand.fibres, [0, 1])
  t.same(hand.x, [500, 1250, 2000, 2750, 3750])
  const { traces, rms } = tracesFromHand(hand, size)
  // computed by another implementation of the same algorithm from the same file, printed to 0.001 px
  const expected = [
    { order: 0, fibre: 0, y: [187.881, 52.783, 185.48] },
    { order: 38, fibre: 0, y: [1903.95, 1728.808, 1828.411] },
    { order: 38, fibre: 2, y: [1860.88, 1685.739, 1785.341] },
    { order: 66, fibre: 1, y: [4153.786, 3909.051, 3940.476] },
  ]
  for (const { order, fibre, y } of expected) {
    for (const [k, x] of [0, 2048, 4095].entries()) {
      const ours = traceY(traces, order, fibre, x)
      t.ok(Math.abs(ours - y[k]!) < 0.01, `order ${order}, fibre ${fibre}, x ${x}: ${ours} and ${y[k]}`)
    }
  }
  t.equal((rms.reduce((a, b) => a + b) / rms.length).toFixed(3), '0.356')
  t.equal(Math.max(...rms).toFixed(3), '1.141')
  const step = traceY(traces, 10, 1, 0) - traceY(traces, 10, 0, 0)
  t.ok(Math.abs(step - (-17.644 - 0.102389 * 10)) < 1e-3, 'the distance of the fibres is a line in order number')
  t.ok(traces.first[66 * 3]! > 0, 'the highest order leaves the detector at small x')
})

t.test('the numbers that files of early 2017 have besides are understood', async (t) => {
  const lines = text.split('\n')
  lines[1] = 'nfib 3 2 1 2 4096 3 64 10.5 17'
  const hand = parseHandTrace(lines.join('\n'), 'bpl.txt')
  t.same(hand.fibres, [1, 2])
  t.equal(hand.width, 4096)
  t.equal(hand.orderCount, 64)
})

t.test('one fibre of a small spectrograph needs no others', async (t) => {
  const hand = parseHandTrace('by hand\nnfib 1 0\niord 10 50 90\n0 5 6 5\n1 15 16 15\n', 'own.txt')
  const { traces } = tracesFromHand(hand, { ...size, width: 100, height: 30, orders: 2, fibres: 1, rows: 5 })
  t.ok(Math.abs(traceY(traces, 1, 0, 50) - 16) < 1e-9)
  t.same([traces.first[0], traces.last[0]], [0, 99])
})

t.test('a slip of the pen is named with its line', async (t) => {
  const wrong = (find: string | RegExp, put: string) => () => parseHandTrace(text.replace(find, put), 'cpt.txt')
  t.throws(wrong('896', 'B96'), /cpt\.txt:8: 'B96' is no number/)
  t.throws(wrong('nfib 2 0 1', 'nfib 2 0'), /cpt\.txt:2: 'nfib 2 0' does not name 2 fibres/)
  t.throws(wrong('   3915', ''), /cpt\.txt:19: 4 positions for 5 columns/)
  t.throws(wrong(/ 66 +4068.*\n/, ''), /order 66 has 1 of 2 rows/)
  t.throws(() => parseHandTrace('', 'empty.txt'), /empty\.txt:2: expected 'nfib'/)
})
