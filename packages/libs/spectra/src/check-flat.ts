/** What is wrong with a flat, by the number that the NRES pipeline gives it; 1 is good. */
export interface FlatVerdict {
  code: 1 | 0 | -1 | -2 | -3 | -4
  reason?: string
}

/** Orders that are looked at for steepness: the outer ones are faint. */
const INNER = [15, 55] as const
const STEEPEST = 0.02
const FEW = 2
const HIGH_START = 2
const FLAT_TOP = 0.985
const MOST_ON_TOP = 0.1

/**
 * Whether a normalised flat can be used (nres.md 7): `response` gives the values of an order of a lit fibre. −1: an order
 * is constant; −2: more than two of the orders 15 … 55 have a mean slope of 0.02 a column or more; −3: more than two begin
 * at 2 or more; −4: more than a tenth of all values lie above 0.985, as of a saturated flat; 0: no fibre is lit.
 */
export function checkFlat(
  response: (order: number, fibre: number) => ArrayLike<number>,
  orders: number,
  lit: readonly number[],
): FlatVerdict {
  if (lit.length === 0) return { code: 0, reason: 'no fibre is lit' }
  let [steep, high, top, values] = [0, 0, 0, 0]
  for (let order = 0; order < orders; order++) {
    for (const fibre of lit) {
      const f = response(order, fibre)
      const { slope, moving, above } = shapeOf(f)
      if (!moving) return { code: -1, reason: `order ${order} of fibre ${fibre} is the same in every column` }
      if (order >= INNER[0] && order <= INNER[1] && slope >= STEEPEST) steep++
      if (f[1]! >= HIGH_START) high++
      top += above
      values += f.length
    }
  }
  if (steep > FEW) return { code: -2, reason: `${steep} orders change by ${STEEPEST} or more from column to column` }
  if (high > FEW) return { code: -3, reason: `${high} orders begin at ${HIGH_START} or more` }
  if (top > MOST_ON_TOP * values) {
    return {
      code: -4,
      reason: `${((100 * top) / values).toFixed(0)} % of the values are above ${FLAT_TOP}: saturated?`,
    }
  }
  return { code: 1 }
}

function shapeOf(f: ArrayLike<number>) {
  let [sum, moving, above] = [0, false, 0]
  for (let x = 0; x < f.length; x++) {
    if (f[x]! >= FLAT_TOP) above++
    if (x === 0) continue
    const step = Math.abs(f[x]! - f[x - 1]!)
    sum += step
    if (step > 0) moving = true
  }
  return { slope: sum / Math.max(1, f.length - 1), moving, above }
}
