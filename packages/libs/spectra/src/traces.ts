/**
 * Where the orders of a cross-dispersed frame lie: y(x) of each order and fibre. Pixels from 0; the dispersion runs along x.
 * Orders are counted from the bottom of the frame (index 0); fibres as the spectrograph calls them.
 */
export interface Traces {
  /** of the frame, px */
  width: number
  height: number
  orders: number
  fibres: number
  /** terms of each polynomial */
  terms: number
  /** [order][fibre][term]: y = Σ c L(X) in Legendre polynomials of X = 2 (x − width / 2) / width; NaN where a fibre has no trace */
  coefficients: Float64Array
  /** diffraction order of index 0, and what to add for the next index (1 or −1); 0 where unknown */
  firstOrder: number
  orderStep: number
  /** [order][fibre]: first and last column (inclusive) that can be used; last < first for none */
  first: Int32Array
  last: Int32Array
  /** rows that extraction takes, and so of the profiles */
  rows: number
  /** parts along x, each with its own profile; 0 for none yet */
  blocks: number
  /** [block][order][fibre][row], each of sum 1: the light in rows from round(y − rows / 2) on, for y centred in the middle row */
  profiles: Float64Array
}

/** The centre of an order in column x. */
export function traceY(traces: Traces, order: number, fibre: number, x: number): number {
  const at = (order * traces.fibres + fibre) * traces.terms
  const u = (2 * (x - traces.width / 2)) / traces.width
  let sum = 0
  let last = 0
  let now = 1
  for (let k = 0; k < traces.terms; k++) {
    sum += traces.coefficients[at + k]! * now
    const next = ((2 * k + 1) * u * now - k * last) / (k + 1)
    last = now
    now = next
  }
  return sum
}
