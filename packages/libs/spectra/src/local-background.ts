import { allocate } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, median } from '@nightpipe/math'
import type { SpectralFrame } from './group-work.js'
import type { LitTrace } from './lit-traces.js'
import { type ProfileTable, reachOf } from './profile-table.js'

/** Columns that share an estimate. */
export const BACKGROUND_BLOCK = 128
/** Rows beyond the profile that are left out, and most rows that are used on either side. */
const MARGIN = 1
const ROWS = 8
/** They lie in the middle between two traces, but not further off than so many times what the profile reaches: its far wings are light too. */
const FURTHEST = 3
/** Gaps narrower than this, rows, hold the wings of both traces and tell nothing. */
const GAP = 4
/** Pixels further from the median than this, in their scatter, do not count; fewer than so many tell nothing. */
const CLIP = 4
const ENOUGH = 40

/** What light there is between fibres, at each trace: a value for each block of columns, in the unit of the pixels. */
export interface LocalBackground {
  traces: readonly LitTrace[]
  level: Float64Array[]
  /** one sigma; the same for all columns of a block */
  error: Float64Array[]
}

/**
 * The light between the traces, on both sides of each: the clipped means of the rows that no profile reaches, and at the trace
 * the line between them. Where two traces are so close that no rows are free between them, the other side tells; where
 * neither does, the blocks beside it, and 0 where there are none.
 */
export function localBackground(
  frame: SpectralFrame,
  lit: readonly LitTrace[],
  profiles: ProfileTable,
): LocalBackground {
  const blocks = Math.ceil(frame.width / BACKGROUND_BLOCK)
  const clear = reachOf(profiles) + MARGIN
  const [level, error] = [0, 1].map(() => lit.map(() => new Float64Array(blocks))) as [Float64Array[], Float64Array[]]
  const sample = new Float64Array(BACKGROUND_BLOCK * ROWS)
  const order = new Float64Array(BACKGROUND_BLOCK * ROWS)
  lit.forEach((trace, a) => {
    for (let block = 0; block < blocks; block++) {
      const sides = [-1, 1].map((way) => sideOf(frame, trace, lit[a + way], way, clear, block, sample, order))
      const [low, high] = sides
      level[a]![block] = Number.NaN
      if (low && high) {
        const t = -low.place / (high.place - low.place)
        level[a]![block] = (1 - t) * low.level + t * high.level
        error[a]![block] = Math.hypot((1 - t) * low.error, t * high.error)
      } else if (low || high) {
        level[a]![block] = (low ?? high)!.level
        error[a]![block] = (low ?? high)!.error
      }
    }
    fillBlocks(level[a]!, error[a]!)
  })
  return { traces: lit, level, error }
}

interface Side {
  level: number
  error: number
  /** rows from the trace */
  place: number
}

/** The light on one side of a trace, between what its own profile and that of its neighbour reach. */
function sideOf(
  { width, height, pixels, mask }: SpectralFrame,
  { y: centres, first, last }: LitTrace,
  neighbour: LitTrace | undefined,
  way: number,
  clear: number,
  block: number,
  sample: Float64Array,
  order: Float64Array,
): Side | undefined {
  let [n, places] = [0, 0]
  for (
    let x = Math.max(first, block * BACKGROUND_BLOCK);
    x <= Math.min(last, (block + 1) * BACKGROUND_BLOCK - 1);
    x++
  ) {
    const y = centres[x]!
    const room = neighbour ? Math.abs(neighbour.y[x]! - y) - clear : Number.POSITIVE_INFINITY
    if (room - clear < GAP) continue
    const start = Math.max(clear, Math.min((room + clear) / 2, FURTHEST * clear) - ROWS / 2)
    for (let k = 0; k < ROWS; k++) {
      const row = way > 0 ? Math.ceil(y + start) + k : Math.floor(y - start) - k
      if (row < 0 || row >= height || Math.abs(row - y) > room) break
      const at = row * width + x
      if (mask?.[at] || !Number.isFinite(pixels[at]!)) continue
      sample[n++] = pixels[at]!
      places += row - y
    }
  }
  return n < ENOUGH ? undefined : { ...clippedMean(sample, n, order), place: places / n }
}

/** Of the first `count` values; `order` is for their ranks. */
function clippedMean(values: Float64Array, count: number, order: Float64Array): { level: number; error: number } {
  order.set(values)
  const middle = median(order, count)
  for (let k = 0; k < count; k++) order[k] = Math.abs(values[k]! - middle)
  const limit = CLIP * MAD_TO_SIGMA * median(order, count)
  let [n, sum, squares] = [0, 0, 0]
  for (let k = 0; k < count; k++) {
    const off = values[k]! - middle
    if (Math.abs(off) > limit) continue
    n++
    sum += off
    squares += off * off
  }
  const mean = sum / n
  return { level: middle + mean, error: Math.sqrt(Math.max(0, squares / n - mean * mean) / n) }
}

/** Blocks that nothing tells get the value of the nearest that something does. */
function fillBlocks(level: Float64Array, error: Float64Array): void {
  const known = [...level.keys()].filter((block) => Number.isFinite(level[block]!))
  for (let block = 0; block < level.length; block++) {
    if (Number.isFinite(level[block]!)) continue
    const nearest = known.reduce(
      (best, one) => (Math.abs(one - block) < Math.abs(best - block) ? one : best),
      known[0] ?? -1,
    )
    level[block] = nearest < 0 ? 0 : level[nearest]!
    error[block] = nearest < 0 ? 0 : error[nearest]!
  }
}

/** The level in a column: between the middles of blocks by a line. */
function levelAt(level: Float64Array, x: number): number {
  const place = Math.min(Math.max((x + 0.5) / BACKGROUND_BLOCK - 0.5, 0), level.length - 1)
  const k = Math.min(Math.floor(place), Math.max(0, level.length - 2))
  return level[k]! + (place - k) * ((level[k + 1] ?? level[k]!) - level[k]!)
}

/** The frame without it, in the rows of the traces; in kernel memory: call it within `scoped`. */
export function withoutBackground(
  frame: SpectralFrame,
  { traces, level }: LocalBackground,
  reach: number,
): SpectralFrame {
  const { width, height } = frame
  const pixels = allocate(Float32Array, frame.pixels.length)
  pixels.set(frame.pixels)
  traces.forEach(({ y: centres, first, last }, a) => {
    const [below, above] = [traces[a - 1]?.y, traces[a + 1]?.y]
    for (let x = first; x <= last; x++) {
      const y = centres[x]!
      const light = levelAt(level[a]!, x)
      // rows between two traces belong to the nearer one
      const from = Math.max(0, Math.round(y) - reach, below ? Math.floor((below[x]! + y) / 2) + 1 : 0)
      const to = Math.min(height - 1, Math.round(y) + reach, above ? Math.floor((y + above[x]!) / 2) : height)
      for (let row = from; row <= to; row++) pixels[row * width + x]! -= light
    }
  })
  return { ...frame, pixels }
}
