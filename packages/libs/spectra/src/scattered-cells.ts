import { MAD_TO_SIGMA, select } from '@nightpipe/math'
import type { SurfacePoints } from './spline-surface.js'
import { hasTrace, type Traces, traceY } from './traces.js'

export interface Frame {
  width: number
  height: number
  pixels: Float32Array
  /** 0 is good */
  mask?: Int16Array
}

/** Pixels of a place that are looked at, at most: its error is then far below what matters. */
const PIXELS = 240
/** Places are cells of this many columns at most; of fewer where the frame is narrow. */
const COLUMNS = 64
const CELLS = 64
/** Rows of a cell, at most: what lies around the middle between two traces. */
const ROWS = 12

/** Parts of the places, each as one field in four of a chess board: what is around a place of one is of the others. */
export const PARTS = 4

/** Places between the orders. */
export interface Cells extends SurfacePoints {
  /** the part that each belongs to */
  part: Uint8Array
  /** the one beside it, further along the same gap; -1: none */
  next: Int32Array
}

/** The cells between neighbouring traces, column block by column block. */
export function measureCells(
  { width, height, pixels, mask }: Frame,
  traces: Traces,
  margin: number,
  nearest: number,
  lit: readonly number[] | undefined,
): Cells {
  const centres = allCentres(traces, width, lit)
  const clear = traces.rows / 2 + margin
  const blocks = Math.max(Math.ceil(width / COLUMNS), Math.min(CELLS, width >> 4))
  const sample = new Float64Array(PIXELS)
  const scratch = new Float64Array(PIXELS)
  const [xs, ys, values, weights, parts, nexts]: number[][] = [[], [], [], [], [], []]
  const lastOf = new Map<Float32Array, number>()
  for (let block = 0; block < blocks; block++) {
    const x0 = Math.floor((block * width) / blocks)
    const x1 = Math.floor(((block + 1) * width) / blocks)
    const middle = (x0 + x1 - 1) / 2
    const at = Math.round(middle)
    const inOrder = centres.filter(({ y }) => Number.isFinite(y[at]!)).sort((a, b) => a.y[at]! - b.y[at]!)
    for (const [k, gap] of gapsAt(inOrder, x0, x1, at, clear, nearest).entries()) {
      const n = gather({ width, height, pixels, mask }, gap, x0, x1, sample)
      if (n < 12) continue
      const { mean, variance } = clippedMean(sample, n, scratch)
      xs!.push(middle)
      ys!.push(gap.middle)
      values!.push(mean)
      weights!.push(1 / (variance + wingsOf({ width, height, pixels, mask }, gap, at, mean) ** 2))
      parts!.push((block + 2 * k) % PARTS)
      const last = lastOf.get(gap.below)
      if (last !== undefined) nexts![last] = nexts!.length
      lastOf.set(gap.below, nexts!.length)
      nexts!.push(-1)
    }
  }
  const [x, y, value, weight] = [xs!, ys!, values!, weights!].map((list) => Float64Array.from(list))
  const beside = { part: Uint8Array.from(parts!), next: Int32Array.from(nexts!) }
  return { x: x!, y: y!, value: value!, weight: weight!, ...beside }
}

/** Where a trace lies in every column, and whether it has light. */
interface Centre {
  y: Float32Array
  lit: boolean
}

/** A stretch between two traces; `middle` is its middle row in the column that was asked for. */
interface Gap {
  below: Float32Array
  above: Float32Array
  middle: number
  /** rows that stay clear on either side */
  clear: number
  /** narrower than one wishes */
  narrow: boolean
}

/** Rows that a narrow gap must have in its middle beyond this part of what is kept clear else. */
const NARROWEST = 0.6

/**
 * The gaps between neighbouring traces, and one beyond the outermost on either side: as wide as the widest, so that an order
 * that nobody traced there does not reach into it.
 */
function gapsAt(all: readonly Centre[], x0: number, x1: number, at: number, clear: number, nearest: number): Gap[] {
  const wide = (a: Centre | undefined, b: Centre | undefined) => !a || !b || b.y[at]! - a.y[at]! >= 2 * clear
  // a dark fibre between neighbours that leave no room is room itself
  const inOrder = all.filter((one, k) => one.lit || wide(all[k - 1], one) || wide(one, all[k + 1]))
  const gaps: Gap[] = []
  let widest = 0
  const halves = inOrder.map(({ y }, k) => (k === 0 ? 0 : (y[at]! - inOrder[k - 1]!.y[at]!) / 2))
  for (const [k, { y: above }] of inOrder.entries()) {
    const below = inOrder[k - 1]?.y
    if (!below) continue
    const half = halves[k]!
    const middle = (above[at]! + below[at]!) / 2
    widest = Math.max(widest, 2 * half)
    if (half >= clear) gaps.push({ below, above, middle, clear, narrow: false })
    else if (half - 1 >= Math.max(nearest, NARROWEST * clear) && !beside(halves, k, clear))
      gaps.push({ below, above, middle, clear: half - 1, narrow: true })
  }
  if (widest < 2 * clear) return gaps
  const [lowest, highest] = [inOrder[0]!.y, inOrder.at(-1)!.y]
  const shifted = (line: Float32Array, by: number) => {
    const copy = new Float32Array(line.length)
    for (let x = x0; x < x1; x++) copy[x] = line[x]! + by
    return copy
  }
  const outer = { clear, narrow: false }
  gaps.push({ ...outer, below: shifted(lowest, -widest), above: lowest, middle: lowest[at]! - widest / 2 })
  gaps.push({ ...outer, below: highest, above: shifted(highest, widest), middle: highest[at]! + widest / 2 })
  return gaps
}

/** Whether the gap before or after has room enough: it tells the same light, without wings of its neighbours. */
const beside = (halves: readonly number[], k: number, clear: number) =>
  (halves[k - 1] ?? 0) >= clear || (halves[k + 1] ?? 0) >= clear

/** The wings of an order in a narrow gap, as a part of the light at its centre: what such a cell may be wrong by. */
const WINGS = 2e-3

function wingsOf({ width, height, pixels }: Frame, { below, above, narrow }: Gap, at: number, level: number): number {
  if (!narrow) return 0
  const peak = (line: Float32Array) => {
    const y = Math.round(line[at]!)
    return y >= 0 && y < height ? Math.abs(pixels[y * width + at]! - level) || 0 : 0
  }
  return WINGS * Math.max(peak(below), peak(above))
}

/** The centres of all traces in every column. */
function allCentres(traces: Traces, width: number, lit: readonly number[] | undefined): Centre[] {
  const lines: Centre[] = []
  for (let order = 0; order < traces.orders; order++) {
    for (let fibre = 0; fibre < traces.fibres; fibre++) {
      if (!hasTrace(traces, order, fibre)) continue
      lines.push({ y: centresOf(traces, order, fibre, width), lit: !lit || lit.includes(fibre) })
    }
  }
  return lines
}

/** Columns over which a trace is linear: it bends by less than a thousandth of a pixel in them. */
const STRETCH = 8

function centresOf(traces: Traces, order: number, fibre: number, width: number): Float32Array {
  const y = new Float32Array(width)
  let last = traceY(traces, order, fibre, 0)
  for (let from = 0; from < width; from += STRETCH) {
    const next = traceY(traces, order, fibre, from + STRETCH)
    for (let x = from; x < Math.min(width, from + STRETCH); x++) y[x] = last + ((next - last) * (x - from)) / STRETCH
    last = next
  }
  return y
}

/** Good pixels between two traces, around the middle, evenly spread; how many there are. */
function gather(
  { width, height, pixels, mask }: Frame,
  { below, above, clear }: Gap,
  x0: number,
  x1: number,
  sample: Float64Array,
): number {
  const rows = Math.min(ROWS, Math.max(1, Math.floor(above[x0]! - below[x0]! - 2 * clear) + 1))
  const step = Math.max(1, Math.ceil(((x1 - x0) * rows) / PIXELS))
  let n = 0
  for (let x = x0; x < x1; x += step) {
    const middle = (below[x]! + above[x]!) / 2
    const low = Math.max(0, Math.ceil(Math.max(below[x]! + clear, middle - ROWS / 2)))
    const high = Math.min(height - 1, Math.floor(Math.min(above[x]! - clear, middle + ROWS / 2)))
    for (let y = low; y <= high && n < sample.length; y++) {
      const p = y * width + x
      if ((mask && mask[p] !== 0) || Number.isNaN(pixels[p]!)) continue
      sample[n++] = pixels[p]!
    }
  }
  return n
}

const CLIP = 3.5

/** Mean of what lies near the median, and the variance of that mean. */
function clippedMean(sample: Float64Array, n: number, scratch: Float64Array): { mean: number; variance: number } {
  scratch.set(sample.subarray(0, n))
  const centre = select(scratch, n >> 1, n)
  for (let k = 0; k < n; k++) scratch[k] = Math.abs(sample[k]! - centre)
  const limit = CLIP * MAD_TO_SIGMA * select(scratch, n >> 1, n)
  let [count, total, squares] = [0, 0, 0]
  for (let k = 0; k < n; k++) {
    const distance = sample[k]! - centre
    if (Math.abs(distance) > limit) continue
    count++
    total += distance
    squares += distance * distance
  }
  const mean = total / count
  const variance = Math.max(squares / count - mean * mean, 1e-12 + 1e-12 * centre * centre)
  return { mean: centre + mean, variance: variance / count }
}
