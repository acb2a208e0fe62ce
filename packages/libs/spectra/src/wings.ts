import type { FittedTrace, FlatImage } from './light-of-trace.js'

/**
 * The light of orders beyond the rows that their profiles are fitted in: as parts of the light inside, functions of the
 * distance from the centre that change smoothly along the orders and from order to order. Cubic splines of its logarithm, 0 at
 * the far end.
 */
export interface Wings {
  /** distances where they begin and end, rows */
  from: number
  to: number
  /** B-splines of a side */
  terms: number
  fibres: number
  /** order numbers and columns of the nodes, between which they are linear */
  orders: readonly number[]
  columns: readonly number[]
  /** [node of orders][node of columns][fibre][below, above][term] */
  values: Float64Array
}

/** The four B-splines of a distance in `out`; returns the number of the first. Those from `terms` on are nought. */
export function wingSplines(
  { from, to, terms }: Pick<Wings, 'from' | 'to' | 'terms'>,
  t: number,
  out: Float64Array,
): number {
  const place = (Math.log(t / from) / Math.log(to / from)) * terms
  const k = Math.min(Math.floor(place), terms - 1)
  const u = place - k
  const v = 1 - u
  out[0] = (v * v * v) / 6
  out[1] = (3 * u * u * u - 6 * u * u + 4) / 6
  out[2] = (3 * v * v * v - 6 * v * v + 4) / 6
  out[3] = (u * u * u) / 6
  return k
}

/** Samples per row of the tables that wings are taken off by. */
const PER_ROW = 8

/** Wings of an order and fibre about column x, sampled outwards from where they begin: first those below, then those above. */
export function wingTable(
  wings: Wings,
  { order, fibre }: Pick<FittedTrace, 'order' | 'fibre'>,
  x: number,
): Float64Array {
  const { from, to, terms } = wings
  const coefficients = coefficientsAt(wings, order, fibre, x)
  const samples = Math.round((to - from) * PER_ROW) + 2
  const table = new Float64Array(2 * samples)
  const b = new Float64Array(4)
  for (let s = 0; s < samples; s++) {
    const t = from + s / PER_ROW
    if (t >= to) break
    const k = wingSplines(wings, t, b)
    for (let i = 0; i < 4 && k + i < terms; i++) {
      table[s]! += coefficients[k + i]! * b[i]!
      table[samples + s]! += coefficients[terms + k + i]! * b[i]!
    }
  }
  return table
}

/** Linear between the four nodes around; outside of them as at the nearest. */
function coefficientsAt({ orders, columns, fibres, terms, values }: Wings, order: number, fibre: number, x: number) {
  const out = new Float64Array(2 * terms)
  for (const [i, p] of nodesAt(orders, order)) {
    for (const [j, q] of nodesAt(columns, x)) {
      const at = ((i * columns.length + j) * fibres + fibre) * 2 * terms
      for (let k = 0; k < 2 * terms; k++) out[k]! += p * q * values[at + k]!
    }
  }
  return out
}

function nodesAt(nodes: readonly number[], place: number): [number, number][] {
  const above = nodes.findIndex((node) => node > place)
  if (above <= 0) return [[above === 0 ? 0 : nodes.length - 1, 1]]
  const weight = (place - nodes[above - 1]!) / (nodes[above]! - nodes[above - 1]!)
  return [
    [above - 1, 1 - weight],
    [above, weight],
  ]
}

/** The light of the wings of a trace about column x, and its first moment, px: both per light inside. */
export function wingMoments(
  wings: Wings,
  trace: Pick<FittedTrace, 'order' | 'fibre'>,
  x: number,
): { light: number; moment: number } {
  const table = wingTable(wings, trace, x)
  const samples = table.length / 2
  let [light, moment] = [0, 0]
  for (let s = 0; s < samples; s++) {
    const weight = (s === 0 ? 0.5 : 1) / PER_ROW // trapezia
    const [below, above] = [table[s]!, table[samples + s]!]
    light += weight * (above + below)
    moment += weight * (above - below) * (wings.from + s / PER_ROW)
  }
  return { light, moment }
}

/** Columns that share a table. */
const COLUMNS = 32

/** Takes the wings of a trace off the flats that light it. */
export function subtractWings(wings: Wings, trace: FittedTrace): void {
  for (let x0 = trace.first; x0 <= trace.last; x0 += COLUMNS) {
    const x1 = Math.min(trace.last, x0 + COLUMNS - 1)
    const table = wingTable(wings, trace, (x0 + x1) / 2)
    for (const { image, flux } of trace.images) {
      for (let x = x0; x <= x1; x++) takeOff(wings, table, image, x, trace.y[x]!, flux[x]!)
    }
  }
}

function takeOff({ from, to }: Wings, table: Float64Array, image: FlatImage, x: number, y: number, f: number): void {
  if (!(f > 0)) return
  const { width, height, all, rest } = image
  const samples = table.length / 2
  for (const [start, way] of [
    [0, -1],
    [samples, 1],
  ] as const) {
    let row = way < 0 ? Math.floor(y - from) : Math.ceil(y + from)
    for (let t = way * (row - y); t < to && row >= 0 && row < height; t++, row += way) {
      const place = (t - from) * PER_ROW
      const s = Math.floor(place)
      const light = f * ((1 - place + s) * table[start + s]! + (place - s) * table[start + s + 1]!)
      all[row * width + x]! -= light
      rest[row * width + x]! -= light
    }
  }
}
