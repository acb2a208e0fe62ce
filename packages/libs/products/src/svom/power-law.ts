import { power } from '@nightpipe/math'

/** F = norm (t / 100 s)^−index, fitted to magnitudes. */
export interface PowerLaw {
  /** flux at 100 s, of magnitude 0 = 1 */
  norm: number
  index: number
  indexError: number
  /** not reduced; 0 for two points */
  chiSquare: number
  points: number
}

const PIVOT = 100

/**
 * Weighted straight line of magnitude against log time: m = m100 + 2.5 index log10(t / 100 s), weights 1 / σ². Undefined with
 * fewer than two different times or where an error is missing.
 */
export function fitPowerLaw(
  seconds: readonly number[],
  mags: readonly number[],
  errors: readonly number[],
): PowerLaw | undefined {
  const usable =
    seconds.every((t) => t > 0) && [...mags, ...errors].every(Number.isFinite) && errors.every((e) => e > 0)
  if (seconds.length < 2 || !usable) return undefined
  let [s, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0]
  const xs = seconds.map((t) => 2.5 * Math.log10(t / PIVOT))
  xs.forEach((x, k) => {
    const w = 1 / errors[k]! ** 2
    s += w
    sx += w * x
    sy += w * mags[k]!
    sxx += w * x * x
    sxy += w * x * mags[k]!
  })
  const determinant = s * sxx - sx * sx
  if (!(determinant > 1e-12 * s * sxx)) return undefined
  const index = (s * sxy - sx * sy) / determinant
  const zero = (sxx * sy - sx * sxy) / determinant
  const chiSquare = xs.reduce((sum, x, k) => sum + ((mags[k]! - zero - index * x) / errors[k]!) ** 2, 0)
  return {
    norm: power(10, -0.4 * zero),
    index,
    indexError: Math.sqrt(s / determinant),
    chiSquare,
    points: seconds.length,
  }
}
