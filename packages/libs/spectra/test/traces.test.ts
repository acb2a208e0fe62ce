import t from 'tap'
import { type Traces, traceY } from '../src/index.js'

t.test('a trace is a sum of Legendre polynomials over the width of the frame', async (t) => {
  const traces: Traces = {
    ...{ width: 100, height: 50, orders: 1, fibres: 2, terms: 3, firstOrder: 0, orderStep: 1 },
    coefficients: Float64Array.of(Number.NaN, 0, 0, 20, 3, 2),
    ...{ first: Int32Array.of(0, 0), last: Int32Array.of(-1, 99), rows: 5, blocks: 0, profiles: new Float64Array(0) },
  }
  t.equal(traceY(traces, 0, 1, 50), 20 - 2 / 2)
  t.equal(traceY(traces, 0, 1, 100), 20 + 3 + 2)
  t.ok(Number.isNaN(traceY(traces, 0, 0, 50)))
})
