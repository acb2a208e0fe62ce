import t from 'tap'
import { emptyTraces, movedTraces, setColumnsOnDetector, type Traces, traceY } from '../src/index.js'

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

t.test('the columns of a trace are those in which all of its rows lie on the detector', async (t) => {
  const shape = { width: 64, height: 40, orders: 1, fibres: 1, terms: 3, rows: 9, blocks: 0 }
  // in the middle, at both edges, and bent so far that it leaves the detector in its middle
  for (const terms of [
    [20, 3, 2],
    [4, 0, 0],
    [35, 0, 0],
    [20, 25, 0],
    [12, 0, 14],
  ]) {
    const traces = emptyTraces(shape)
    traces.coefficients.set(terms)
    setColumnsOnDetector(traces, 0, 0)
    const inside = Array.from({ length: 64 }, (_, x) => x).filter((x) => {
      const y = traceY(traces, 0, 0, x)
      return y >= 4 && y <= 35
    })
    t.ok(inside.length === 0 || inside.includes(traces.first[0]!), `${terms}`)
    if (terms[2] !== 14) t.same([traces.first[0], traces.last[0]], [inside[0] ?? 0, inside.at(-1) ?? -1], `${terms}`)
    const up = movedTraces(traces, 1.5)
    t.ok(Math.abs(traceY(up, 0, 0, 17) - traceY(traces, 0, 0, 17) - 1.5) < 1e-12)
    t.same([...traces.coefficients], terms, 'what was given stays')
  }
})
