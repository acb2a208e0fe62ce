import { type Frame, MaskBit } from '@nightpipe/image'
import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'

export interface Moments {
  mean: number
  median: number
  /** Population standard deviation, all good pixels, nothing clipped. */
  rms: number
  minimum: number
  count: number
}

export interface Comparison extends Moments {
  /** Pixel by pixel, candidate minus or over reference; NaN where either is masked or holds no number. */
  pixels: Float32Array
  /** Pixels left out. */
  masked: number
  /** Fraction of the good pixels that differ by more than `sigma` of their errors. */
  deviating: number
}

/** What makes a pixel unfit for a comparison. */
const UNFIT = MaskBit.bad | MaskBit.noData

const isGood = (frame: Frame, p: number) => Number.isFinite(frame.pixels[p]) && ((frame.mask?.[p] ?? 0) & UNFIT) === 0

/** Statistics of the good pixels of a master. */
export function momentsOf(frame: Frame): Moments {
  return moments(frame.pixels.map((v, p) => (isGood(frame, p) ? v : Number.NaN)))
}

/** Mean, median, deviation and minimum of the finite values. */
export function moments(values: Float32Array): Moments {
  const good = values.filter(Number.isFinite)
  const count = good.length
  if (count === 0) return { mean: Number.NaN, median: Number.NaN, rms: Number.NaN, minimum: Number.NaN, count }
  let sum = 0
  let minimum = Number.POSITIVE_INFINITY
  for (const value of good) {
    sum += value
    if (value < minimum) minimum = value
  }
  const mean = sum / count
  let squares = 0
  for (const value of good) squares += (value - mean) ** 2
  return { mean, median: medianOf(good), rms: Math.sqrt(squares / count), minimum, count }
}

/** A candidate compared with the master in force. */
export function compareMasters(
  candidate: Frame,
  reference: Frame,
  mode: 'difference' | 'ratio',
  sigma: number,
): Comparison {
  const n = candidate.pixels.length
  const pixels = new Float32Array(n)
  const errors = new Float32Array(n)
  for (let p = 0; p < n; p++) {
    const [a, b] = [candidate.pixels[p], reference.pixels[p]]
    const good = isGood(candidate, p) && isGood(reference, p) && (mode === 'difference' || b !== 0)
    pixels[p] = good ? (mode === 'ratio' ? a / b : a - b) : Number.NaN
    const error = Math.hypot(
      candidate.error?.[p] ?? Number.NaN,
      (mode === 'ratio' ? pixels[p] : 1) * (reference.error?.[p] ?? Number.NaN),
    )
    errors[p] = mode === 'ratio' ? error / Math.abs(b) : error
  }
  const all = moments(pixels)
  return { ...all, pixels, masked: n - all.count, deviating: deviatingFraction(pixels, errors, all, sigma) }
}

/** Where there are no errors, the robust scatter of the comparison stands for them. */
function deviatingFraction(
  pixels: Float32Array,
  errors: Float32Array,
  { median, count }: Moments,
  sigma: number,
): number {
  const scatter = MAD_TO_SIGMA * medianOf(pixels.filter(Number.isFinite).map((v) => Math.abs(v - median)))
  let deviating = 0
  for (let p = 0; p < pixels.length; p++) {
    const error = Number.isFinite(errors[p]) && errors[p] > 0 ? errors[p] : scatter
    if (Math.abs(pixels[p] - median) > sigma * error) deviating++
  }
  return count > 0 ? deviating / count : 0
}

/** The deviation of a comparison within boxes: where it is large, something changed. */
export function dispersionMap(
  pixels: Float32Array,
  width: number,
  box: number,
): { pixels: Float32Array; width: number; height: number } {
  const height = pixels.length / width
  const columns = Math.max(1, Math.floor(width / box))
  const rows = Math.max(1, Math.floor(height / box))
  const map = new Float32Array(columns * rows)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      let [n, sum, squares] = [0, 0, 0]
      for (let y = r * box; y < Math.min(height, (r + 1) * box); y++) {
        for (let x = c * box; x < Math.min(width, (c + 1) * box); x++) {
          const value = pixels[y * width + x]
          if (!Number.isFinite(value)) continue
          n++
          sum += value
          squares += value * value
        }
      }
      map[r * columns + c] = n > 1 ? Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2)) : Number.NaN
    }
  }
  return { pixels: map, width: columns, height: rows }
}
