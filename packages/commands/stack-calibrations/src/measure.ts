import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import { robustStatistics } from '@nightpipe/math'
import type { FrameStatistics } from './judge.js'

/** Bands of rows, and boxes across each, over which a frame is sampled. */
export const BANDS = 8
/** Enough for a level to a few parts in 10^5 and a noise to 0.3 %, and 250 times fewer than a large frame has. */
const SAMPLED_PIXELS = 1 << 16
/** Pixels over which the surroundings of a star are taken. */
const SEGMENT = 64
/** How far above its segment, in units of the noise, a pixel stands that belongs to a star. */
const STAR_SIGMA = 8

/** The rows of a frame that are looked at: evenly spaced, equally many in each band. */
export function sampledRows(width: number, height: number): number[] {
  const perBand = Math.max(1, Math.min(Math.floor(height / BANDS), Math.ceil(SAMPLED_PIXELS / (BANDS * width))))
  const count = Math.min(height, perBand * BANDS)
  return Array.from({ length: count }, (_, k) => Math.floor(((k + 0.5) * height) / count))
}

/**
 * What sampled rows tell of a frame. `pixels` are those rows, trimmed and above their pedestal, NaN where saturated;
 * `saturatedFraction` was counted when they were read.
 */
export function measureRows(pixels: Float32Array, width: number, saturatedFraction: number): FrameStatistics {
  return scoped(() => {
    const rows = lent(pixels)
    const all = robustStatistics(rows, { clip: 4 })
    const noise = neighbourNoise(rows, width)
    const scratch = allocate(Float32Array, pixels.length).byteOffset
    const limit = STAR_SIGMA * noise
    const standing = kernels().standingOut(rows.byteOffset, width, rows.length / width, SEGMENT, limit, scratch)
    return {
      level: all.median,
      noise,
      saturatedFraction,
      invalidFraction: Math.max(0, all.bad / rows.length - saturatedFraction),
      starFraction: standing / rows.length,
      boxes: boxMedians(rows, width, scratch),
    }
  })
}

/**
 * Clipped standard deviation of the differences of neighbours in a row, over √2: blind to slow variations. Of two images
 * with the same rows, that of the difference of both.
 */
export function neighbourNoise(pixels: Float32Array, width: number, other?: Float32Array): number {
  return scoped(() => {
    const [a, b] = [pixels, other].map((plane) => plane && lent(plane).byteOffset)
    const differences = allocate(Float32Array, pixels.length)
    const n = kernels().neighbourDifferences(a!, b ?? 0, width, pixels.length, differences.byteOffset)
    if (n < 2) return 0
    return robustStatistics(differences.subarray(0, n), { clip: 4 }).sigma / Math.SQRT2
  })
}

function boxMedians(pixels: Float32Array, width: number, scratch: number): number[] {
  const rows = pixels.length / width
  const boxes: number[] = []
  const bands = Math.min(BANDS, rows)
  const columns = Math.min(BANDS, width)
  for (let b = 0; b < bands; b++) {
    const [y0, y1] = [Math.floor((b * rows) / bands), Math.floor(((b + 1) * rows) / bands)]
    for (let c = 0; c < columns; c++) {
      const [x0, x1] = [Math.floor((c * width) / columns), Math.floor(((c + 1) * width) / columns)]
      const from = pixels.byteOffset + 4 * (y0 * width + x0)
      boxes.push(kernels().boxMedian(from, width, x1 - x0, y1 - y0, scratch))
    }
  }
  return boxes
}
