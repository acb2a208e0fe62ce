import { type Traces, traceCentres } from './traces.js'

/** One order of one lit fibre, ready to be extracted. */
export interface LitTrace {
  order: number
  fibre: number
  /** usable columns, inclusive */
  first: number
  last: number
  /** the centre in every column */
  y: Float64Array
}

/** Those of last time: each step of an extraction asks for the same, and that of the shift for those that have none. */
const remembered = new WeakMap<Traces, Map<string, LitTrace[]>>()
const KEPT = 3

/** The traces of these fibres that have a centre and usable columns, from the bottom of the frame up; moved by `shift` rows. */
export function litTraces(traces: Traces, fibres: readonly number[], shift = 0): readonly LitTrace[] {
  const key = `${fibres.join()} ${shift}`
  const known = remembered.get(traces) ?? new Map<string, LitTrace[]>()
  remembered.set(traces, known)
  const lit = known.get(key) ?? tracesOf(traces, fibres, shift)
  known.delete(key)
  known.set(key, lit) // the last asked for is the last to go
  if (known.size > KEPT) known.delete(known.keys().next().value!)
  return lit
}

function tracesOf(traces: Traces, fibres: readonly number[], shift: number): LitTrace[] {
  const { width, orders, terms, coefficients } = traces
  const lit: LitTrace[] = []
  for (let order = 0; order < orders; order++) {
    for (const fibre of fibres) {
      if (fibre < 0 || fibre >= traces.fibres) continue
      const at = order * traces.fibres + fibre
      if (!(Number.isFinite(coefficients[at * terms]) && traces.last[at]! >= traces.first[at]!)) continue
      const y = traceCentres(traces, order, fibre, new Float64Array(width))
      if (shift !== 0) for (let x = 0; x < width; x++) y[x]! += shift
      const first = Math.max(0, traces.first[at]!)
      lit.push({ order, fibre, first, last: Math.min(width - 1, traces.last[at]!), y })
    }
  }
  const middle = width >> 1
  return lit.sort((a, b) => a.y[middle]! - b.y[middle]! || a.order - b.order || a.fibre - b.fibre)
}

/** Neighbours whose light may reach one another anywhere, joined; each group keeps the order from the bottom up. */
export function groupTraces(lit: readonly LitTrace[], reach: number): LitTrace[][] {
  const groups: LitTrace[][] = []
  for (const trace of lit) {
    const group = groups.at(-1)
    const below = group?.at(-1)
    if (group && below && nearest(below, trace) <= reach) group.push(trace)
    else groups.push([trace])
  }
  return groups
}

/** The smallest distance of two traces, looked at every 32 columns: neighbours do not wander faster than that. */
function nearest(a: LitTrace, b: LitTrace): number {
  const [first, last] = [Math.max(a.first, b.first), Math.min(a.last, b.last)]
  let least = Number.POSITIVE_INFINITY
  for (let x = first; x <= last; x += 32) least = Math.min(least, Math.abs(b.y[x]! - a.y[x]!))
  if (last >= first) least = Math.min(least, Math.abs(b.y[last]! - a.y[last]!))
  return least
}
