import { allocate, inKernelMemory, kernels, scoped } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, medianOf, select } from '@nightpipe/math'
import { fitSurface, type SplineSurface, type SurfacePoints, surfaceRows, surfaceValues } from './spline-surface.js'
import { hasTrace, type Traces, traceY } from './traces.js'

export interface ScatteredLightOptions {
  /** Rows beyond those of the extraction that stay clear of every fibre, at least; px. */
  margin?: number
  /** Rows that stay clear of every fibre in gaps that are narrower than one wishes, at least; px. */
  nearest?: number
  /** Fibres with light; all when absent. Where there is no other room, the place of a dark fibre serves. */
  lit?: readonly number[]
  /** Pieces of the surface along the dispersion and across it; by default one for about 250 px, three (four) to thirteen. */
  pieces?: readonly [number, number]
}

/** Light that belongs to no order: a smooth surface over the frame, as seen between the orders. */
export interface ScatteredLight {
  surface: SplineSurface
  width: number
  /** places where it was measured, and how many of them were left out as not smooth */
  cells: number
  rejected: number
  /** scatter of the places about the surface, and what a typical place is good for; in the unit of the frame */
  scatter: number
  /** of the surface at the places: lowest, median and highest */
  lowest: number
  median: number
  highest: number
}

interface Frame {
  width: number
  height: number
  pixels: Float32Array
  /** 0 is good */
  mask?: Int16Array
}

/** Fewer places than this tell nothing about a surface. */
const FEWEST = 20
/** Pixels of a place that are looked at, at most: its error is then far below what matters. */
const PIXELS = 120
/** Places are cells of this many columns at most; of fewer where the frame is narrow. */
const COLUMNS = 96
const CELLS = 32
/** Rows of a cell, at most: what lies around the middle between two traces. */
const ROWS = 12

/**
 * Scattered light of a frame, from between its orders: in cells between neighbouring traces (of all fibres, whether they
 * are lit or not), at least `margin` beyond the rows that extraction takes, the clipped mean of the pixels. Where fibres
 * are packed more closely the place of a dark fibre serves, and the middle of narrow gaps, which counts less the brighter
 * its neighbours are. Through the cells goes a smooth surface, cells that stand out weighted down (Tukey's biweight). Undefined where the orders leave no room.
 */
export function scatteredLight(
  frame: Frame,
  traces: Traces,
  { margin = 1, nearest = 0, lit, pieces }: ScatteredLightOptions = {},
): ScatteredLight | undefined {
  const points = measureCells(frame, traces, margin, nearest, lit)
  const n = points.value.length
  if (n < FEWEST) return undefined
  const even = (length: number, least: number) => Math.min(13, Math.max(least, Math.round(length / 250)))
  const [px, py] = pieces ?? [even(frame.width, 3), even(frame.height, 4)]
  const x = { low: least(points.x), high: most(points.x), pieces: px }
  const y = { low: least(points.y), high: most(points.y), pieces: py }
  if (!(x.high > x.low && y.high - y.low > SEEN * acrossOf(traces))) return undefined
  const { surface, residuals, rejected } = fitRobustly(points, x, y)
  const levels = surfaceValues(surface, points.x, points.y).sort()
  return {
    ...{ surface, width: frame.width, cells: n, rejected, scatter: MAD_TO_SIGMA * medianOf(residuals.map(Math.abs)) },
    ...{ lowest: levels[0]!, median: levels[n >> 1]!, highest: levels[n - 1]! },
  }
}

/** Of the rows that the orders take in the middle column so much must have places: what is foretold for others is nothing. */
const SEEN = 0.5

function acrossOf(traces: Traces): number {
  const rows: number[] = []
  for (let order = 0; order < traces.orders; order++)
    for (let fibre = 0; fibre < traces.fibres; fibre++)
      if (hasTrace(traces, order, fibre)) rows.push(traceY(traces, order, fibre, traces.width >> 1))
  return rows.length ? Math.max(...rows) - Math.min(...rows) : 0
}

/** Subtracts it from the rows of a frame, in place. */
export function subtractScatteredLightInPlace({ surface, width }: ScatteredLight, pixels: Float32Array): void {
  const nodes = Math.ceil(width / NODE) + 1
  const rowOf = surfaceRows(surface, nodes, NODE)
  scoped(() => {
    const line = allocate(Float32Array, nodes)
    const row = inKernelMemory(pixels) ? undefined : allocate(Float32Array, width)
    for (let start = 0, y = 0; start < pixels.length; start += width, y++) {
      rowOf(y, line)
      const own = pixels.subarray(start, start + width)
      row?.set(own)
      kernels().subtractNodes((row ?? own).byteOffset, width, line.byteOffset)
      if (row) own.set(row)
    }
  })
}

/** The surface is linear over so many columns, as the kernel has it: it bends in them by a thousandth of what it does in a piece. */
const NODE = 8

const TUKEY = 5
const ROUNDS = 3

function fitRobustly(points: SurfacePoints, x: SplineSurface['x'], y: SplineSurface['y']) {
  const base = points.weight
  let weight = base
  for (let round = 0; ; round++) {
    const surface = fitSurface({ ...points, weight }, x, y)
    const model = surfaceValues(surface, points.x, points.y)
    const residuals = points.value.map((value, k) => value - model[k]!)
    const pulls = residuals.map((residual, k) => residual * Math.sqrt(base[k]!))
    const limit = TUKEY * MAD_TO_SIGMA * medianOf(pulls.map(Math.abs))
    const kept = pulls.map((pull) => Math.max(0, 1 - (pull / limit) ** 2) ** 2)
    if (round === ROUNDS || !(limit > 0)) return { surface, residuals, rejected: kept.filter((k) => k === 0).length }
    weight = base.map((w, k) => w * kept[k]!)
  }
}

/** The cells between neighbouring traces, column block by column block. */
function measureCells(
  { width, height, pixels, mask }: Frame,
  traces: Traces,
  margin: number,
  nearest: number,
  lit: readonly number[] | undefined,
): SurfacePoints {
  const centres = allCentres(traces, width, lit)
  const clear = traces.rows / 2 + margin
  const blocks = Math.max(Math.ceil(width / COLUMNS), Math.min(CELLS, width >> 4))
  const sample = new Float64Array(PIXELS)
  const scratch = new Float64Array(PIXELS)
  const [xs, ys, values, weights]: number[][] = [[], [], [], []]
  for (let block = 0; block < blocks; block++) {
    const x0 = Math.floor((block * width) / blocks)
    const x1 = Math.floor(((block + 1) * width) / blocks)
    const middle = (x0 + x1 - 1) / 2
    const at = Math.round(middle)
    const inOrder = centres.filter(({ y }) => Number.isFinite(y[at]!)).sort((a, b) => a.y[at]! - b.y[at]!)
    for (const gap of gapsAt(inOrder, x0, x1, at, clear, nearest)) {
      const n = gather({ width, height, pixels, mask }, gap, x0, x1, sample)
      if (n < 12) continue
      const { mean, variance } = clippedMean(sample, n, scratch)
      xs!.push(middle)
      ys!.push(gap.middle)
      values!.push(mean)
      weights!.push(1 / (variance + wingsOf({ width, height, pixels, mask }, gap, at, mean) ** 2))
    }
  }
  const [x, y, value, weight] = [xs!, ys!, values!, weights!].map((list) => Float64Array.from(list))
  return { x: x!, y: y!, value: value!, weight: weight! }
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
  for (const [k, { y: above }] of inOrder.entries()) {
    const below = inOrder[k - 1]?.y
    if (!below) continue
    const half = (above[at]! - below[at]!) / 2
    const middle = (above[at]! + below[at]!) / 2
    widest = Math.max(widest, 2 * half)
    if (half >= clear) gaps.push({ below, above, middle, clear, narrow: false })
    else if (half - 1 >= Math.max(nearest, NARROWEST * clear))
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

/** Linear over a few columns: a trace bends by less than a thousandth of a pixel in them. */
function centresOf(traces: Traces, order: number, fibre: number, width: number): Float32Array {
  const y = new Float32Array(width)
  let last = traceY(traces, order, fibre, 0)
  for (let from = 0; from < width; from += NODE) {
    const next = traceY(traces, order, fibre, from + NODE)
    for (let x = from; x < Math.min(width, from + NODE); x++) y[x] = last + ((next - last) * (x - from)) / NODE
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

const least = (values: Float64Array) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
const most = (values: Float64Array) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
