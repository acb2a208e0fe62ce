import type { Traces } from './traces.js'

/**
 * Cross-dispersion profiles as extraction uses them: the fraction of the light of a column that falls into the row whose
 * centre lies a distance above the centre of the order. Linear between samples, and between the middles of blocks.
 */
export interface ProfileTable {
  width: number
  blocks: number
  /** [block][order][fibre] */
  traces: number
  perRow: number
  /** odd; the middle one is at the centre of the order */
  samples: number
  values: Float32Array | Float64Array
}

/** Samples per row of profiles made from one of a sample per row. */
const FINER = 8

/** Rows that a profile covers on either side of the row that holds the centre. */
export const reachOf = ({ samples, perRow }: Pick<ProfileTable, 'samples' | 'perRow'>): number =>
  Math.ceil((samples - 1) / 2 / perRow)

/** The profiles of traces; undefined where they have none yet, or the same in every row, as a first estimate has it. */
export function profileTable(traces: Traces): ProfileTable | undefined {
  const { width, blocks, orders, fibres, rows, profiles, fine } = traces
  const even = Math.fround(1 / rows)
  if (blocks === 0 || (!fine && profiles.every((p) => p === 0 || Math.fround(p) === even))) return undefined
  const common = { width, blocks, traces: orders * fibres }
  return fine ? { ...common, ...fine } : { ...common, ...finer(traces) }
}

/** Profiles of a sample per row, drawn out by cubics through four of them (Catmull & Rom 1974), each a row apart summing to 1. */
function finer({ rows, profiles }: Traces): Pick<ProfileTable, 'perRow' | 'samples' | 'values'> {
  const half = ((rows + 1) / 2) * FINER
  const samples = 2 * half + 1
  const count = profiles.length / rows
  const values = new Float32Array(count * samples)
  for (let p = 0; p < count; p++) {
    const from = profiles.subarray(p * rows, (p + 1) * rows)
    const to = values.subarray(p * samples, (p + 1) * samples)
    for (let k = 0; k < samples; k++) to[k] = Math.max(0, cubicAt(from, (k - half) / FINER + (rows - 1) / 2))
    for (let phase = 0; phase < FINER; phase++) {
      let sum = 0
      for (let k = phase; k < samples; k += FINER) sum += to[k]!
      if (sum > 0) for (let k = phase; k < samples; k += FINER) to[k] = to[k]! / sum
    }
  }
  return { perRow: FINER, samples, values }
}

function cubicAt(values: Float64Array, place: number): number {
  const k = Math.floor(place)
  const t = place - k
  const at = (i: number) => values[i] ?? 0
  const [a, b, c, d] = [at(k - 1), at(k), at(k + 1), at(k + 2)]
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
}

/** The share of the light of column x that each of `rows` rows from `firstRow` on gets, for an order centred at y: into `out` from `at`. */
export function sampleProfile(
  table: ProfileTable,
  trace: number,
  x: number,
  y: number,
  firstRow: number,
  rows: number,
  out: Float64Array,
  at: number,
): void {
  const { width, blocks, traces, samples, perRow, values } = table
  const place = Math.min(Math.max(((x + 0.5) * blocks) / width - 0.5, 0), blocks - 1)
  const low = Math.min(Math.floor(place), Math.max(0, blocks - 2))
  const high = Math.min(low + 1, blocks - 1)
  const weight = place - low
  const a = (low * traces + trace) * samples
  const b = (high * traces + trace) * samples
  const start = (firstRow - y) * perRow + (samples - 1) / 2
  const whole = Math.floor(start)
  const t = start - whole
  const [low0, low1] = [(1 - t) * (1 - weight), t * (1 - weight)]
  const [high0, high1] = [(1 - t) * weight, t * weight]
  for (let r = 0, k = whole; r < rows; r++, k += perRow) {
    if (k < -1 || k >= samples) {
      out[at + r] = 0
      continue
    }
    // a sample beyond either end is 0
    const first = k >= 0 ? low0 * values[a + k]! + high0 * values[b + k]! : 0
    const second = k < samples - 1 ? low1 * values[a + k + 1]! + high1 * values[b + k + 1]! : 0
    out[at + r] = first + second
  }
}
