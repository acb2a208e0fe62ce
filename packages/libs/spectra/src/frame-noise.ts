import { median } from '@nightpipe/math'
import type { SpectralFrame } from './group-work.js'
import type { LitTrace } from './lit-traces.js'

/** Rows beyond those used that are looked at too: between orders the frame shows its noise without their light. */
const BEYOND = 3
/** Every so many columns an error is looked at. */
const STEP = 8

/**
 * The variance that pixels about a trace have without its light (read-out, what scattered light was subtracted, dark), for
 * each block of `block` columns: the lowest of the medians of the rows about it. An error of its own is not believed for
 * each pixel, for part of it comes from the pixel's own value, and weights that follow the noise bias the flux.
 */
export function darkVariance(
  { width, height, error }: SpectralFrame,
  trace: LitTrace,
  half: number,
  block: number,
  readVariance: number,
): Float64Array {
  const out = new Float64Array(Math.ceil(width / block)).fill(readVariance)
  if (!error) return out
  const far = Math.ceil(half) + BEYOND
  const sample = new Float64Array(Math.ceil(block / STEP))
  for (let b = 0; b < out.length; b++) {
    let least = Number.POSITIVE_INFINITY
    for (let offset = -far; offset <= far; offset++) {
      let n = 0
      for (let x = b * block; x < Math.min(width, (b + 1) * block); x += STEP) {
        const y = Math.round(trace.y[x]!) + offset
        if (y < 0 || y >= height) continue
        const sigma = error[y * width + x]!
        if (sigma > 0 && sigma < Number.POSITIVE_INFINITY) sample[n++] = sigma * sigma
      }
      if (n > 0) least = Math.min(least, median(sample, n))
    }
    if (Number.isFinite(least)) out[b] = least
  }
  return out
}
