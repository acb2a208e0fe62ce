/**
 * Where the orders of a cross-dispersed frame lie: y(x) of each order and fibre. Pixels from 0; the dispersion runs along x.
 * Orders are counted from the bottom of the frame (index 0); fibres as the spectrograph calls them.
 *
 * The centre of an order is the first moment, across the dispersion, of the light that its profile holds.
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
  /** parts along x, each with its own profile; 0 for none yet. The middle of block b is x = (b + 1/2) width / blocks − 1/2 */
  blocks: number
  /** [block][order][fibre][row], each of sum 1: the light in rows from round(y − rows / 2) on, for y centred in the middle row */
  profiles: Float64Array
  /** The same, finer than rows and wider than extraction; absent in files of others. `profileRows` evaluates either. */
  fine?: FineProfiles
  /** [order][fibre]: scatter of the measured centres about the polynomial, and one sigma of the polynomial, px; NaN: unknown */
  scatter?: Float64Array
  error?: Float64Array
}

/**
 * Profiles as functions of the distance from the centre. Pixels have a height: a sample is the fraction of the light of
 * its column that falls into the row whose centre lies that far above the centre of the order, so that a column of an
 * order of flux f, centred at y, holds f · P(row − y) in each row. Between samples and between the middles of blocks,
 * P is linear; outside the samples it is 0, outside the middles of the first and last block that of the block.
 */
export interface FineProfiles {
  /** samples per row */
  perRow: number
  /** of each profile, odd; the middle one is at the centre of the order */
  samples: number
  /** [block][order][fibre][sample]; samples a row apart add up to 1 */
  values: Float32Array
}

/** Traces without any coefficients, profiles or usable columns. */
export function emptyTraces(
  shape: Pick<Traces, 'width' | 'height' | 'orders' | 'fibres' | 'terms' | 'rows' | 'blocks'>,
): Traces {
  const { orders, fibres, terms, rows, blocks } = shape
  return {
    ...shape,
    coefficients: new Float64Array(orders * fibres * terms).fill(Number.NaN),
    ...{ firstOrder: 0, orderStep: 0 },
    first: new Int32Array(orders * fibres),
    last: new Int32Array(orders * fibres).fill(-1),
    profiles: new Float64Array(blocks * orders * fibres * rows),
  }
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

/** The centres of an order in all columns, into `out` (width); by Clenshaw's recurrence, in a third of the time of `traceY`. */
export function traceCentres(traces: Traces, order: number, fibre: number, out: Float64Array): Float64Array {
  const { width, terms, coefficients } = traces
  const at = (order * traces.fibres + fibre) * terms
  const [rise, fall] = [new Float64Array(terms + 1), new Float64Array(terms + 2)]
  for (let k = 0; k <= terms; k++) {
    rise[k] = (2 * k + 1) / (k + 1)
    fall[k + 1] = (k + 1) / (k + 2)
  }
  for (let x = 0; x < width; x++) {
    const u = (2 * (x - width / 2)) / width
    let b1 = 0
    let b2 = 0
    for (let k = terms - 1; k >= 0; k--) {
      const b0 = coefficients[at + k]! + rise[k]! * u * b1 - fall[k + 1]! * b2
      b2 = b1
      b1 = b0
    }
    out[x] = b1
  }
  return out
}

/** Whether the fibre has a trace in this order. */
export const hasTrace = ({ coefficients, terms, fibres }: Traces, order: number, fibre: number): boolean =>
  Number.isFinite(coefficients[(order * fibres + fibre) * terms])

/** The columns in which all of the rows of a trace lie on the detector. False when there are none. */
export function setColumnsOnDetector(traces: Traces, order: number, fibre: number, margin = traces.rows / 2): boolean {
  const { width, height, fibres } = traces
  const at = order * fibres + fibre
  traces.first[at] = 0
  traces.last[at] = -1
  if (!hasTrace(traces, order, fibre)) return false
  if (surelyInside(traces, at, margin)) {
    traces.last[at] = width - 1
    return true
  }
  const centres = traceCentres(traces, order, fibre, new Float64Array(width))
  let [start, best] = [-1, 0]
  for (let x = 0; x <= width; x++) {
    const y = x < width ? centres[x]! : Number.NaN
    const inside = y >= margin - 0.5 && y <= height - 0.5 - margin
    if (inside && start < 0) start = x
    if (inside || start < 0) continue
    // of a curved order that leaves and comes back, the longer piece
    if (x - start > best) {
      best = x - start
      traces.first[at] = start
      traces.last[at] = x - 1
    }
    start = -1
  }
  return best > 0
}

/** Legendre polynomials lie between −1 and 1: a trace is no further from its mean than the sizes of its other terms together. */
function surelyInside({ coefficients, terms, height }: Traces, own: number, margin: number): boolean {
  const [mean, ...others] = coefficients.subarray(own * terms, (own + 1) * terms)
  const reach = others.reduce((sum, term) => sum + Math.abs(term), 0)
  return mean! - reach >= margin - 0.5 && mean! + reach <= height - 0.5 - margin
}

/** The same traces, all of them so many rows higher. */
export function movedTraces(traces: Traces, by: number): Traces {
  const { orders, fibres, terms } = traces
  const coefficients = traces.coefficients.slice()
  for (let own = 0; own < orders * fibres; own++) coefficients[own * terms]! += by
  const moved = { ...traces, coefficients, first: traces.first.slice(), last: traces.last.slice() }
  for (let o = 0; o < orders; o++) for (let f = 0; f < fibres; f++) setColumnsOnDetector(moved, o, f)
  return moved
}
