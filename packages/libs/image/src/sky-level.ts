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
const SAMPLE = 200_000

/**
 * The sky of a frame without its sources. A pixel belongs to a source where the mean of the 5 x 5 pixels about it is over
 * `threshold` sigma of one pixel above the map of the sky; masked pixels are left out.
 */
export function skyLevel(
  pixels: Float32Array,
  width: number,
  height: number,
  mask: Int16Array,
  map: SkyMap,
  threshold: number,
): SkyLevel {
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / SAMPLE)))
  const values = new Float64Array((Math.ceil(width / step) + 1) * (Math.ceil(height / step) + 1))
  const deviations = new Float64Array(values.length)
  let n = 0
  let looked = 0
  for (let y = 2; y < height - 2; y += step) {
    for (let x = 2 + ((y * 7) % step); x < width - 2; x += step) {
      const p = y * width + x
      if (mask[p] !== 0 || Number.isNaN(pixels[p])) continue
      looked++
      const level = skyAt(map, map.level, x, y)
      const sigma = skyAt(map, map.sigma, x, y)
      if (meanAround(pixels, width, p) - level > threshold * sigma) continue
      values[n] = pixels[p]
      deviations[n++] = Math.abs(pixels[p] - level)
    }
  }
  if (n === 0) return { level: map.medianLevel, sigma: map.medianSigma, sources: looked ? 1 : 0 }
  return { level: median(values, n), sigma: MAD_TO_SIGMA * median(deviations, n), sources: 1 - n / looked }
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
