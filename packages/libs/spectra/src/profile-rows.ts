import type { Traces } from './traces.js'

/** Two blocks and the weight of the second, for a column: profiles change linearly from middle to middle of blocks. */
export interface BlockMix {
  low: number
  high: number
  /** of `high`; `low` has the rest */
  weight: number
}

/** Which profiles hold in column x. */
export function blocksAt({ blocks, width }: Pick<Traces, 'blocks' | 'width'>, x: number): BlockMix {
  const place = Math.min(Math.max(((x + 0.5) * blocks) / width - 0.5, 0), blocks - 1)
  const low = Math.min(Math.floor(place), Math.max(0, blocks - 2))
  return { low, high: Math.min(low + 1, blocks - 1), weight: place - low }
}

/**
 * The fraction of the light of column x that falls into each of `out.length` rows from `firstRow` on, for an order that
 * is centred at y. This is what extraction multiplies the flux with, and what the centres were measured against.
 */
export function profileRows(
  traces: Traces,
  order: number,
  fibre: number,
  x: number,
  y: number,
  firstRow: number,
  out: Float64Array,
): Float64Array {
  const { orders, fibres, rows, fine } = traces
  const { low, high, weight } = blocksAt(traces, x)
  const [samples, perRow, values] = fine ? [fine.samples, fine.perRow, fine.values] : [rows, 1, traces.profiles]
  const own = order * fibres + fibre
  const a = (low * orders * fibres + own) * samples
  const b = (high * orders * fibres + own) * samples
  for (let r = 0; r < out.length; r++) {
    const place = (firstRow + r - y) * perRow + (samples - 1) / 2
    const k = Math.floor(place)
    const t = place - k
    let value = 0
    // one sample beyond either end the profile is 0
    if (k >= 0 && k < samples) value += (1 - t) * ((1 - weight) * values[a + k]! + weight * values[b + k]!)
    if (k >= -1 && k < samples - 1) value += t * ((1 - weight) * values[a + k + 1]! + weight * values[b + k + 1]!)
    out[r] = value
  }
  return out
}
