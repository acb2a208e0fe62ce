import { readPixels } from '@nightpipe/fits'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { mean, robustStatistics } from '@nightpipe/math'
import type { Amplifier, Geometry } from './geometry.js'
import { neighbourNoise } from './measure.js'
import { type Source, sourceImage } from './source.js'

/** What lies under the signal of one amplifier: a level, or one for each row of its data. */
export interface Pedestal {
  level: number
  rows?: Float32Array
}

export type OverscanMethod = 'rows' | 'median' | 'mean' | 'none'

/** Rows of a frame that are read at once for their overscan. */
const ROWS_AT_ONCE = 64

/** The pedestal of every amplifier of a frame. */
export function pedestalsOf(source: Source, geometry: Geometry, method: OverscanMethod, smooth: number): Pedestal[] {
  const { amplifiers } = geometry
  if (method === 'none' || amplifiers.every(({ overscan }) => !overscan)) return amplifiers.map(() => ({ level: 0 }))
  return scoped(() => {
    const strips = readOverscans(source, geometry)
    return amplifiers.map((amplifier, k) => pedestalOf(amplifier, strips[k], method, smooth))
  })
}

/** The overscan of each amplifier, whole, in kernel memory; empty where there is none. */
function readOverscans(source: Source, { amplifiers, rawWidth }: Geometry): Float32Array[] {
  const sections = amplifiers.map(({ overscan }) => overscan ?? { x0: 0, x1: 0, y0: 0, y1: 0 })
  const strips = sections.map(({ x0, x1, y0, y1 }) => allocate(Float32Array, (x1 - x0) * (y1 - y0)))
  const image = sourceImage(source)
  const block = allocate(Float32Array, ROWS_AT_ONCE * rawWidth)
  const first = Math.min(...sections.filter(({ y1 }) => y1 > 0).map(({ y0 }) => y0))
  const last = Math.max(...sections.map(({ y1 }) => y1))
  for (let y = first; y < last; y += ROWS_AT_ONCE) {
    const rows = Math.min(ROWS_AT_ONCE, last - y)
    readPixels(image, { firstRow: y, rows, plane: 0, into: block })
    for (const [k, { x0, x1, y0, y1 }] of sections.entries()) {
      for (let row = Math.max(y, y0); row < Math.min(y + rows, y1); row++) {
        const from = (row - y) * rawWidth
        strips[k].set(block.subarray(from + x0, from + x1), (row - y0) * (x1 - x0))
      }
    }
  }
  return strips
}

function pedestalOf(
  { data, overscan }: Amplifier,
  strip: Float32Array,
  method: OverscanMethod,
  smooth: number,
): Pedestal {
  if (!overscan) return { level: 0 }
  const besideData = overscan.y0 <= data.y0 && overscan.y1 >= data.y1
  if (method === 'mean') return { level: mean(strip) }
  if (method === 'median' || !besideData) return { level: robustStatistics(strip).mean }
  const columns = overscan.x1 - overscan.x0
  const count = strip.length / columns
  const levels = allocate(Float32Array, count)
  const scratch = allocate(Float32Array, 2 * columns)
  kernels().rowLevels(strip.byteOffset, columns, count, levels.byteOffset, scratch.byteOffset)
  const noise = neighbourNoise(strip, columns) / Math.sqrt(columns)
  const rows = smoothedWell(levels.slice(data.y0 - overscan.y0, data.y1 - overscan.y0), smooth, noise)
  return { level: mean(rows), rows }
}

/**
 * Smoothed over as many rows as the level allows: over fewer than `window` where it changes faster, so that what is left
 * of the rows is the `noise` of their mean.
 */
export function smoothedWell(levels: Float32Array, window: number, noise: number): Float32Array {
  const n = levels.length
  for (let width = window | 1; width > 1; width = (width >> 1) | 1) {
    const smooth = smoothed(levels, width)
    const squares = smooth.reduce((sum, v, y) => sum + (levels[y] - v) ** 2, 0)
    // A chi-square of n rows scatters by √(2n); rows are part of their own mean.
    const expected = noise ** 2 * (1 - 1 / Math.min(width, n)) * (n + 4 * Math.sqrt(2 * n))
    if (squares <= expected) return smooth
    if (width === 3) break
  }
  return levels
}

/**
 * A straight line fitted to the rows around each: a running mean where there are as many on both sides, and no worse than
 * that towards the ends. The noise of a row's own overscan would otherwise go into all its pixels.
 */
export function smoothed(levels: Float32Array, window: number): Float32Array {
  const n = levels.length
  const sums = new Float64Array(n + 1)
  const moments = new Float64Array(n + 1)
  for (let y = 0; y < n; y++) {
    sums[y + 1] = sums[y] + levels[y]
    moments[y + 1] = moments[y] + (y - n / 2) * levels[y]
  }
  const half = window >> 1
  return levels.map((_, y) => {
    const [from, to] = [Math.max(0, y - half), Math.min(n, y + half + 1)]
    const count = to - from
    const middle = (from + to - 1) / 2
    const average = (sums[to] - sums[from]) / count
    if (middle === y) return average
    const covariance = moments[to] - moments[from] - (middle - n / 2) * (sums[to] - sums[from])
    return average + ((y - middle) * covariance * 12) / (count * (count * count - 1))
  })
}
