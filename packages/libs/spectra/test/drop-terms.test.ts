import { random } from '@nightpipe/math'
import t from 'tap'
import { dropTerms } from '../src/drop-terms.js'
import { legendreTable } from '../src/fit-centres.js'
import { emptyTraces, traceCentres } from '../src/index.js'
import type { FittedTrace } from '../src/light-of-trace.js'

const [WIDTH, ORDERS, TERMS] = [200, 20, 8]
const shape = { width: WIDTH, height: 400, orders: ORDERS, fibres: 1, terms: TERMS, rows: 7, blocks: 1 }

/** Traces whose coefficients are known to a thousandth of a pixel, with some that are really there. */
function fitted(there: readonly number[], seed: number) {
  const noise = random(seed)
  const traces = { ...emptyTraces(shape), error: new Float64Array(ORDERS) }
  const all = Array.from({ length: ORDERS }, (_, order): FittedTrace => {
    for (let k = 0; k < TERMS; k++) traces.coefficients[order * TERMS + k] = (there[k] ?? 0) + 1e-3 * noise.normal()
    traces.coefficients[order * TERMS]! += 20 * order
    const y = traceCentres(traces, order, 0, new Float64Array(WIDTH))
    const none = {
      images: [],
      profiles: new Float32Array(0),
      slopes: new Float32Array(0),
      wings: [{ light: 0, moment: 0 }],
    }
    return { order, fibre: 0, first: 0, last: WIDTH - 1, y, crowded: false, ...none }
  })
  const estimates = all.map(({ order }) => ({
    coefficients: traces.coefficients.slice(order * TERMS, (order + 1) * TERMS),
    matrix: Float64Array.from({ length: TERMS * TERMS }, (_, k) => (k % (TERMS + 1) === 0 ? 1e6 : 0)),
  }))
  dropTerms(all, traces, legendreTable(WIDTH, TERMS), estimates)
  return { traces, all }
}

t.test('terms that no order shows are left out, those that are there stay', async (t) => {
  const { traces, all } = fitted([30, 5, -8, 0.4, 0.05], 4)
  for (const { order, y } of all) {
    const own = [...traces.coefficients.subarray(order * TERMS, (order + 1) * TERMS)]
    t.ok(
      own.slice(5).every((value) => Math.abs(value) < 1e-12),
      `order ${order} has no more than five terms`,
    )
    t.ok(Math.abs(own[4]! - 0.05) < 0.005, 'the fifth is still there')
    const moved = traceCentres(traces, order, 0, new Float64Array(WIDTH))
    t.ok(
      y.every((value, x) => Math.abs(value - moved[x]!) < 1e-9),
      'its centres have moved with it',
    )
  }
})

t.test('a term that is there in every order is kept, and the lower ones with it', async (t) => {
  const { traces } = fitted([30, 5, -8, 0, 0, 0, 0, 0.004], 5)
  for (let order = 0; order < ORDERS; order++)
    t.ok(Math.abs(traces.coefficients[order * TERMS + 7]! - 0.004) < 0.004, `order ${order}`)
})
