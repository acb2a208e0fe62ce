import { type Frame, MaskBit } from '@nightpipe/image'
import { MAD_TO_SIGMA, robustStatistics } from '@nightpipe/math'

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

/** The pixels of a frame, NaN where they are infinite or its mask says that they are bad. */
function goodPixels({ pixels, mask }: Frame): Float32Array {
  const good = pixels.slice()
  for (let p = 0; p < good.length; p++) if (Math.abs(good[p]) === Number.POSITIVE_INFINITY) good[p] = Number.NaN
  if (mask) for (let p = 0; p < good.length; p++) if ((mask[p] & UNFIT) !== 0) good[p] = Number.NaN
  return good
}

/** Statistics of the good pixels of a master. */
export const momentsOf = (frame: Frame): Moments => moments(goodPixels(frame))

/** Mean, median, deviation and minimum of the finite values. */
export function moments(values: Float32Array): Moments {
  const { mean, median, sigma, minimum, count } = robustStatistics(values, { iterations: 0 })
  return { mean, median, rms: count > 0 ? sigma * Math.sqrt((count - 1) / count) : Number.NaN, minimum, count }
}

/** A candidate compared with the master in force. */
export function compareMasters(
  candidate: Frame,
  reference: Frame,
  mode: 'difference' | 'ratio',
  sigma: number,
): Comparison {
  const [a, b] = [goodPixels(candidate), goodPixels(reference)]
  const pixels = a // pixel by pixel, where nothing else is looked at
  if (mode === 'difference') for (let p = 0; p < a.length; p++) pixels[p] -= b[p]
  else {
    for (let p = 0; p < a.length; p++) {
      const ratio = a[p] / b[p]
      pixels[p] = Number.isFinite(ratio) ? ratio : Number.NaN
    }
  }
  const all = moments(pixels)
  const errors = errorsOf(candidate, reference, pixels, mode)
  const deviating = deviatingFraction(pixels, errors, all, sigma)
  return { ...all, pixels, masked: pixels.length - all.count, deviating }
}

/** One sigma of each pixel of a comparison, where both masters know theirs. */
function errorsOf(
  candidate: Frame,
  reference: Frame,
  ratio: Float32Array,
  mode: 'difference' | 'ratio',
): Float32Array | undefined {
  const [a, b] = [candidate.error, reference.error]
  if (!a || !b) return undefined
  const errors = new Float32Array(a.length)
  if (mode === 'difference') for (let p = 0; p < a.length; p++) errors[p] = Math.sqrt(a[p] * a[p] + b[p] * b[p])
  else {
    for (let p = 0; p < a.length; p++) {
      const part = ratio[p] * b[p]
      errors[p] = Math.sqrt(a[p] * a[p] + part * part) / Math.abs(reference.pixels[p])
    }
  }
  return errors
}

/** Where there are no errors, the robust scatter of the comparison stands for them. */
function deviatingFraction(
  pixels: Float32Array,
  errors: Float32Array | undefined,
  { median, count }: Moments,
  sigma: number,
): number {
  if (count === 0) return 0
  const distances = pixels.map((v) => Math.abs(v - median))
  let scatter: number | undefined
  let deviating = 0
  for (let p = 0; p < pixels.length; p++) {
    let error = errors ? errors[p] : 0
    if (!(error > 0 && error < Number.POSITIVE_INFINITY)) error = scatter ??= MAD_TO_SIGMA * moments(distances).median
    if (distances[p] > sigma * error) deviating++
  }
  return deviating / count
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
