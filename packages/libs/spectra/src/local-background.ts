import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { lendFrame } from './clean-columns.js'
import type { SpectralFrame } from './group-work.js'
import type { LitTrace } from './lit-traces.js'
import { type ProfileTable, reachOf } from './profile-table.js'

/** Columns that share an estimate. */
export const BACKGROUND_BLOCK = 128
/** Rows beyond the profile that are left out. */
const MARGIN = 1
/** Pixels of a column that tell the level of a side, twice. */
const SCRATCH = 16

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
  return scoped(() => {
    const { pixels, mask } = lendFrame(frame)
    kernels().traceFrame(pixels, mask, frame.width, frame.height)
    return levelsOf(frame.width, lit, reachOf(profiles) + MARGIN)
  })
}

/** In the frame that the kernels were told. */
function levelsOf(width: number, lit: readonly LitTrace[], clear: number): LocalBackground {
  const blocks = Math.ceil(width / BACKGROUND_BLOCK)
  const [level, error] = [0, 1].map(() => lit.map(() => new Float64Array(blocks))) as [Float64Array[], Float64Array[]]
  const centres = lit.map(({ y }) => {
    const rows = allocate(Float64Array, y.length)
    rows.set(y)
    return rows.byteOffset
  })
  const scratch = allocate(Float64Array, BACKGROUND_BLOCK * SCRATCH).byteOffset
  const out = allocate(Float64Array, 3)
  lit.forEach(({ first, last }, a) => {
    for (let block = 0; block < blocks; block++) {
      const from = Math.max(first, block * BACKGROUND_BLOCK)
      const columns = [from, Math.min(last, (block + 1) * BACKGROUND_BLOCK - 1)] as const
      const side = (way: number) => sideOf(centres[a]!, centres[a + way] ?? 0, columns, way, clear, scratch, out)
      const [low, high] = [side(-1), side(1)]
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

/** The light on one side of a trace, between what its own profile and that of its neighbour reach; `neighbour` 0: there is none. */
function sideOf(
  centres: number,
  neighbour: number,
  [from, to]: readonly [number, number],
  way: number,
  clear: number,
  scratch: number,
  out: Float64Array,
): Side | undefined {
  const told = kernels().quietSide(centres, neighbour, from, to, way, clear, scratch, out.byteOffset)
  return told === 0 ? undefined : { level: out[0]!, error: out[1]!, place: out[2]! }
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
