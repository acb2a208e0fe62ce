import { median } from '@nightpipe/math'
import { MaskBit } from './frame.js'
import { maskPositions } from './mask.js'

/** Windows that are tried in turn, and how many good pixels one must hold. */
const RADII = [1, 2, 4, 8]
const ENOUGH = 4

/**
 * Fills in pixels that have any of `bits` from the good ones about them: their median, in the smallest window with four
 * of them; the error is the median of theirs, and the pixel is marked `interpolated`. Good is what has no bit of `bits`
 * and a value. Where there are none within 8 px the pixel stays as it is. Returns the number of pixels filled in.
 */
export function interpolatePixels(
  frame: { pixels: Float32Array; error?: Float32Array; mask: Int16Array; width: number; height: number },
  bits: number,
): number {
  const { pixels, error, mask, width, height } = frame
  const values = new Float64Array((2 * RADII[RADII.length - 1] + 1) ** 2)
  const errors = new Float64Array(values.length)
  const filled: { p: number; value: number; error: number }[] = []
  for (const p of maskPositions(mask, bits)) {
    const x = p % width
    const y = (p - x) / width
    for (const radius of RADII) {
      let n = 0
      for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++) {
        for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++) {
          const q = v * width + u
          if ((mask[q] & (bits | MaskBit.noData)) !== 0 || Number.isNaN(pixels[q])) continue
          values[n] = pixels[q]
          errors[n++] = error ? error[q] : 0
        }
      }
      if (n < ENOUGH) continue
      filled.push({ p, value: median(values, n), error: median(errors, n) })
      break
    }
  }
  for (const one of filled) {
    pixels[one.p] = one.value
    if (error) error[one.p] = one.error
    mask[one.p] |= MaskBit.interpolated
  }
  return filled.length
}
