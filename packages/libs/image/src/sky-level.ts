import { MAD_TO_SIGMA, median } from '@nightpipe/math'
import { type SkyMap, skyAt } from './sky-map.js'

export interface SkyLevel {
  level: number
  /** One-sigma noise of a pixel, the slope of the sky taken out. */
  sigma: number
  /** Fraction of the sample that sources were found in. */
  sources: number
}

/** Pixels looked at: more would not tell more. */
const SAMPLE = 80_000

/** Pixels of the sky, spread over a frame, and how many were looked at. */
export interface SkySample {
  positions: Int32Array
  looked: number
}

/**
 * A sample of the pixels of the sky. A pixel belongs to a source where the mean of the 5 x 5 pixels about it is over
 * `threshold` sigma of one pixel above the map of the sky; masked pixels are left out.
 */
export function skyPixels(
  pixels: Float32Array,
  width: number,
  height: number,
  mask: Int16Array,
  map: SkyMap,
  threshold: number,
): SkySample {
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / SAMPLE)))
  const positions: number[] = []
  let looked = 0
  for (let y = 2; y < height - 2; y += step) {
    for (let x = 2 + ((y * 7) % step); x < width - 2; x += step) {
      const p = y * width + x
      if (mask[p] !== 0 || Number.isNaN(pixels[p])) continue
      looked++
      const limit = skyAt(map, map.level, x, y) + threshold * skyAt(map, map.sigma, x, y)
      if (!(meanAround(pixels, width, p) > limit)) positions.push(p)
    }
  }
  return { positions: Int32Array.from(positions), looked }
}

/** The level of the sky of a frame, and its noise, from a sample of its pixels. */
export function skyLevel(pixels: Float32Array, width: number, map: SkyMap, { positions, looked }: SkySample): SkyLevel {
  const n = positions.length
  if (n === 0) return { level: map.medianLevel, sigma: map.medianSigma, sources: looked ? 1 : 0 }
  const values = new Float64Array(n)
  const deviations = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    const p = positions[k]
    const x = p % width
    values[k] = pixels[p]
    deviations[k] = Math.abs(pixels[p] - skyAt(map, map.level, x, (p - x) / width))
  }
  return { level: median(values), sigma: MAD_TO_SIGMA * median(deviations), sources: 1 - n / looked }
}

function meanAround(pixels: Float32Array, width: number, p: number): number {
  let sum = 0
  let n = 0
  for (let v = -2; v <= 2; v++) {
    for (let u = -2; u <= 2; u++) {
      const value = pixels[p + v * width + u]
      if (Number.isNaN(value)) continue
      sum += value
      n++
    }
  }
  return n > 0 ? sum / n : Number.NaN
}
