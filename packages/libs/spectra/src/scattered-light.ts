import { MAD_TO_SIGMA, medianOf, select } from '@nightpipe/math'
import { fitSurface, type SplineSurface, type SurfacePoints, surfaceAt, surfaceRows } from './spline-surface.js'
import { hasTrace, type Traces, traceY } from './traces.js'

export interface ScatteredLightOptions {
  /** Rows beyond those of the extraction that stay clear of every fibre, at least; px. */
  margin?: number
  /** Pieces of the surface along the dispersion and across it; by default one for about 250 px. */
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
const PIXELS = 240
/** Places are cells of this many columns, in frames so wide that there are enough of them; of half as many in others. */
const COLUMNS = 64
const WIDE = 2048
/** Rows of a cell, at most: what lies around the middle between two traces. */
const ROWS = 12

/**
 * Scattered light of a frame, from between its orders: in cells between neighbouring traces (of all fibres, whether they
 * are lit or not), at least `margin` beyond the rows that extraction takes, the clipped mean of the pixels; through the
 * cells a smooth surface, cells that stand out weighted down (Tukey's biweight). Undefined where the orders leave no room.
 */
export function scatteredLight(
  frame: Frame,
  traces: Traces,
  { margin = 1, pieces }: ScatteredLightOptions = {},
): ScatteredLight | undefined {
  const points = measureCells(frame, traces, margin)
  const n = points.value.length
  if (n < FEWEST) return undefined
  const even = (length: number) => Math.min(16, Math.max(2, Math.round(length / 250)))
  const [px, py] = pieces ?? [even(frame.width), even(frame.height)]
  const x = { low: least(points.x), high: most(points.x), pieces: px }
  const y = { low: least(points.y), high: most(points.y), pieces: py }
  if (!(x.high > x.low && y.high > y.low)) return undefined
  const { surface, residuals, rejected } = fitRobustly(points, x, y)
  const levels = points.value.map((_, k) => surfaceAt(surface, points.x[k]!, points.y[k]!)).sort()
  return {
    ...{ surface, width: frame.width, cells: n, rejected, scatter: MAD_TO_SIGMA * medianOf(residuals.map(Math.abs)) },
    ...{ lowest: levels[0]!, median: levels[n >> 1]!, highest: levels[n - 1]! },
  }
}

/** Subtracts it from the rows of a frame, in place. */
export function subtractScatteredLightInPlace({ surface, width }: ScatteredLight, pixels: Float32Array): void {
  const rowOf = surfaceRows(surface, width)
  const line = new Float32Array(width)
  for (let y = 0; y * width < pixels.length; y++) {
    rowOf(y, line)
    const row = pixels.subarray(y * width, (y + 1) * width)
    for (let x = 0; x < width; x++) row[x] -= line[x]!
  }
}

const TUKEY = 5
const ROUNDS = 4

function fitRobustly(points: SurfacePoints, x: SplineSurface['x'], y: SplineSurface['y']) {
  const base = points.weight
  let weight = base
  for (let round = 0; ; round++) {
    const surface = fitSurface({ ...points, weight }, x, y)
    const residuals = points.value.map((value, k) => value - surfaceAt(surface, points.x[k]!, points.y[k]!))
    const pulls = residuals.map((residual, k) => residual * Math.sqrt(base[k]!))
    const limit = TUKEY * MAD_TO_SIGMA * medianOf(pulls.map(Math.abs))
    const kept = pulls.map((pull) => Math.max(0, 1 - (pull / limit) ** 2) ** 2)
    if (round === ROUNDS || !(limit > 0)) return { surface, residuals, rejected: kept.filter((k) => k === 0).length }
    weight = base.map((w, k) => w * kept[k]!)
  }
}

/** The cells between neighbouring traces, column block by column block. */
function measureCells({ width, height, pixels, mask }: Frame, traces: Traces, margin: number): SurfacePoints {
  const centres = allCentres(traces, width)
  const clear = traces.rows / 2 + margin
  const blocks = Math.max(8, Math.ceil(width / (width < WIDE ? COLUMNS / 2 : COLUMNS)))
  const sample = new Float64Array(PIXELS)
  const scratch = new Float64Array(PIXELS)
  const [xs, ys, values, weights]: number[][] = [[], [], [], []]
  for (let block = 0; block < blocks; block++) {
    const x0 = Math.floor((block * width) / blocks)
    const x1 = Math.floor(((block + 1) * width) / blocks)
    const middle = (x0 + x1 - 1) / 2
    const at = Math.round(middle)
    const inOrder = centres.filter((line) => Number.isFinite(line[at]!)).sort((a, b) => a[at]! - b[at]!)
    for (const [k, above] of inOrder.entries()) {
      const below = inOrder[k - 1]
      if (!below || above[at]! - below[at]! < 2 * clear) continue
      const n = gather({ width, height, pixels, mask }, below, above, clear, x0, x1, sample)
      if (n < 12) continue
      const { mean, variance } = clippedMean(sample, n, scratch)
      xs!.push(middle)
      ys!.push((above[at]! + below[at]!) / 2)
      values!.push(mean)
      weights!.push(1 / variance)
    }
  }
  const [x, y, value, weight] = [xs!, ys!, values!, weights!].map((list) => Float64Array.from(list))
  return { x: x!, y: y!, value: value!, weight: weight! }
}

/** The centres of all traces in every column. */
function allCentres(traces: Traces, width: number): Float32Array[] {
  const lines: Float32Array[] = []
  for (let order = 0; order < traces.orders; order++) {
    for (let fibre = 0; fibre < traces.fibres; fibre++) {
      if (!hasTrace(traces, order, fibre)) continue
      lines.push(Float32Array.from({ length: width }, (_, x) => traceY(traces, order, fibre, x)))
    }
  }
  return lines
}

/** Good pixels between two traces, around the middle, evenly spread; how many there are. */
function gather(
  { width, height, pixels, mask }: Frame,
  below: Float32Array,
  above: Float32Array,
  clear: number,
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
