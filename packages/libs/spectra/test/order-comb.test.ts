import t from 'tap'
import { groupOrders } from '../src/order-comb.js'

const peaksAt = (rows: readonly number[]) =>
  [...rows].sort((a, b) => a - b).map((row) => ({ row, strength: 15, strips: 100, sure: true }))

const rowsOf = (peaks: ReturnType<typeof peaksAt>, lit: number) =>
  groupOrders(peaks, lit, -200, 1200).map(({ rows }) => rows.map((row) => Math.round(row)))

/** Three fibres unevenly apart; orders closer and closer, so that at last the next order is nearer than the second fibre. */
const order = (o: number) => 10 + 27.2 * o - 0.042 * o * o
const fibres = (o: number) => [0, 9.2 + 0.027 * o, 16.1 + 0.046 * o].map((above) => order(o) + above)

t.test('fibres unevenly apart are of one order where orders close in on one another', async (t) => {
  const orders = Array.from({ length: 29 }, (_, o) => fibres(o))
  t.same(
    rowsOf(peaksAt(orders.flat()), 3),
    orders.map((rows) => rows.map((row) => Math.round(row))),
  )
})

t.test('a bright row of the detector among the orders leads none of them astray', async (t) => {
  const orders = Array.from({ length: 12 }, (_, o) => [120 + 67 * o - 0.15 * o * o, 141.4 + 67.3 * o - 0.15 * o * o])
  for (const row of [96, 394.2, 500, 610.5]) {
    t.same(
      rowsOf(peaksAt([...orders.flat(), row]), 2),
      orders.map((rows) => rows.map((row) => Math.round(row))),
      `row ${row}`,
    )
  }
})
