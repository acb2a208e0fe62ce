import { solve } from '@nightpipe/math'

/** The light about a star: net values, and their variances (0: a pixel that tells nothing). */
export interface StarStamp {
  /** The pixel of the frame that is the first of the stamp. */
  x0: number
  y0: number
  size: number
  value: Float64Array
  variance: Float64Array
}

/**
 * An elliptical Moffat profile (Moffat 1969, A&A 3, 455): amplitude (1 + r²)^-beta, with
 * r² = qxx dx² + 2 qxy dx dy + qyy dy², on a constant.
 */
export interface Moffat {
  amplitude: number
  x: number
  y: number
  qxx: number
  qxy: number
  qyy: number
  level: number
  beta: number
}

export interface MoffatFit extends Moffat {
  chiSquare: number
  good: boolean
}

/** 1 / alpha² of a round Moffat profile of this width. */
export const concentrationOf = (fwhm: number, beta: number) => (4 * (2 ** (1 / beta) - 1)) / (fwhm * fwhm)

const PARAMETERS = ['amplitude', 'x', 'y', 'qxx', 'qxy', 'qyy', 'level', 'beta'] as const
const ITERATIONS = 25

/** Fits the profile by Levenberg-Marquardt; `beta` is free or stays what it is. */
export function fitMoffat(stamp: StarStamp, start: Moffat, free: 'shape' | 'shape and beta'): MoffatFit {
  const n = free === 'shape' ? 7 : 8
  let [normal, right] = [new Float64Array(n * n), new Float64Array(n)]
  let [nextNormal, nextRight] = [new Float64Array(n * n), new Float64Array(n)]
  let best = { ...start }
  let chiSquare = accumulate(stamp, best, n, normal, right)
  let damping = 1e-2
  let good = false
  for (let i = 0; i < ITERATIONS && !good; i++) {
    const damped = Float64Array.from(normal)
    for (let k = 0; k < n; k++) damped[k * n + k] *= 1 + damping
    const step = solved(damped, right)
    if (!step) break
    const next = { ...best }
    for (let k = 0; k < n; k++) next[PARAMETERS[k]] += step[k]
    const after = isPossible(next) ? accumulate(stamp, next, n, nextNormal, nextRight) : Number.POSITIVE_INFINITY
    if (after < chiSquare) {
      good = chiSquare - after < 3e-5 * chiSquare
      best = next
      damping = Math.max(1e-7, damping * 0.1)
      chiSquare = after
      ;[normal, nextNormal, right, nextRight] = [nextNormal, normal, nextRight, right]
    } else {
      damping *= 10
      if (damping > 1e8) break
      good = after - chiSquare < 1e-9 * chiSquare
    }
  }
  return { ...best, chiSquare, good: good && best.amplitude > 0 }
}

function solved(matrix: Float64Array, right: Float64Array): Float64Array | undefined {
  try {
    return solve(matrix, right)
  } catch {
    return undefined
  }
}

const isPossible = ({ qxx, qxy, qyy, beta }: Moffat) =>
  qxx > 1e-5 && qyy > 1e-5 && qxx * qyy > qxy * qxy && beta > 1.05 && beta < 30

/**
 * The mean of the profile over a pixel is the profile times one plus this: its Laplacian over 24, over itself. `slope2` is
 * the square of half the gradient of u, `trace` that of the matrix.
 */
export const pixelTerm = (beta: number, u: number, slope2: number, trace: number) =>
  ((beta / 12) * ((2 * (beta + 1) * slope2) / u - trace)) / u

/** Sum of squares, and the normal equations. */
function accumulate(
  { x0, y0, size, value, variance }: StarStamp,
  { amplitude, x, y, qxx, qxy, qyy, level, beta }: Moffat,
  n: number,
  normal: Float64Array,
  right: Float64Array,
): number {
  normal.fill(0)
  right.fill(0)
  const d = new Float64Array(8)
  let sum = 0
  for (let row = 0, p = 0; row < size; row++) {
    const dy = row + y0 - y
    for (let column = 0; column < size; column++, p++) {
      if (!(variance[p] > 0)) continue
      const dx = column + x0 - x
      const u = 1 + qxx * dx * dx + 2 * qxy * dx * dy + qyy * dy * dy
      const logU = Math.log(u)
      const profile = Math.exp(-beta * logU)
      const gx = qxx * dx + qxy * dy
      const gy = qxy * dx + qyy * dy
      const overPixel = 1 + pixelTerm(beta, u, gx * gx + gy * gy, qxx + qyy)
      const residual = value[p] - level - amplitude * profile * overPixel
      const weight = 1 / variance[p]
      sum += weight * residual * residual
      const slope = (amplitude * beta * profile) / u
      d[0] = profile * overPixel
      d[1] = 2 * slope * gx
      d[2] = 2 * slope * gy
      d[3] = -slope * dx * dx
      d[4] = -2 * slope * dx * dy
      d[5] = -slope * dy * dy
      d[6] = 1
      if (n > 7) d[7] = -amplitude * profile * logU
      for (let i = 0; i < n; i++) {
        const wd = weight * d[i]
        right[i] += wd * residual
        for (let j = 0; j <= i; j++) normal[i * n + j] += wd * d[j]
      }
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) normal[j * n + i] = normal[i * n + j]
  return sum
}
