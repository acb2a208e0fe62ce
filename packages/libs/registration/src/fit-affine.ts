import { leastSquares } from '@nightpipe/math'
import { type Affine, transform } from './affine.js'
import type { Points } from './nearest.js'

/** The same stars in two frames: row k of `from` is row k of `to`. */
export interface PointPairs {
  from: Points
  to: Points
}

export interface AffineFit {
  transform: Affine
  /** Root mean square distance of the pairs after the transformation, weighted, degrees of freedom taken off; px. */
  rms: number
  /** One sigma of each coefficient, from the scatter of the pairs. */
  errors: Affine
  count: number
}

/** Of equal weight all. */
const even = (n: number) => new Float64Array(n).fill(1)

/**
 * The affine transformation that brings `from` nearest to `to`, by weighted least squares. `weights` are 1 / sigma² of
 * a pair, on any scale; three pairs at least, not on a line.
 */
export function fitAffine({ from, to }: PointPairs, weights: ArrayLike<number> = even(from.x.length)): AffineFit {
  const n = from.x.length
  const [cx, cy] = [middleOf(from.x, weights), middleOf(from.y, weights)]
  const rows = new Float64Array(3 * n)
  const [u, v] = [new Float64Array(n), new Float64Array(n)]
  for (let i = 0; i < n; i++) {
    const root = Math.sqrt(weights[i])
    rows.set([root * (from.x[i] - cx), root * (from.y[i] - cy), root], 3 * i)
    u[i] = root * to.x[i]
    v[i] = root * to.y[i]
  }
  const [ofX, ofY] = [leastSquares(rows, u, 3), leastSquares(rows, v, 3)]
  const [[a, b, c], [d, e, f]] = [ofX.solution, ofY.solution]
  const total = sumOf(weights, n)
  const free = Math.max(1, n - 3)
  const sigma = ({ chiSquare, covariance }: typeof ofX, k: number) =>
    Math.sqrt((Math.max(0, chiSquare) / free) * Math.max(0, covariance[4 * k]))
  return {
    transform: [a, b, c - a * cx - b * cy, d, e, f - d * cx - e * cy],
    rms: Math.sqrt(((ofX.chiSquare + ofY.chiSquare) / total) * (n / free)),
    errors: [sigma(ofX, 0), sigma(ofX, 1), sigma(ofX, 2), sigma(ofY, 0), sigma(ofY, 1), sigma(ofY, 2)],
    count: n,
  }
}

/**
 * The similarity (shift, rotation, one scale; mirrored, if so asked) nearest to the pairs: for fewer stars than an affine
 * transformation needs, or fields so narrow that shear cannot be told from noise. Two pairs at least.
 */
export function fitSimilarity(
  { from, to }: PointPairs,
  { weights = even(from.x.length), mirrored = false, rigid = false }: SimilarityOptions = {},
): AffineFit {
  const n = from.x.length
  const total = sumOf(weights, n)
  const flip = mirrored ? -1 : 1
  const [cx, cy] = [middleOf(from.x, weights), middleOf(from.y, weights)]
  const [tx, ty] = [middleOf(to.x, weights), middleOf(to.y, weights)]
  let [dot, cross, size] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const [x, y] = [flip * (from.x[i] - cx), from.y[i] - cy]
    const [u, v] = [to.x[i] - tx, to.y[i] - ty]
    dot += weights[i] * (x * u + y * v)
    cross += weights[i] * (x * v - y * u)
    size += weights[i] * (x * x + y * y)
  }
  const length = rigid ? Math.hypot(dot, cross) : size
  if (!(length > 0)) throw new RangeError('the stars lie on one another: no rotation can be fitted')
  const [p, q] = [dot / length, cross / length]
  const fitted: Affine = [flip * p, -q, tx - flip * p * cx + q * cy, flip * q, p, ty - flip * q * cx - p * cy]
  const unknowns = rigid ? 3 : 4
  let chiSquare = 0
  for (let i = 0; i < n; i++) {
    const [x, y] = transform(fitted, from.x[i], from.y[i])
    chiSquare += weights[i] * ((x - to.x[i]) ** 2 + (y - to.y[i]) ** 2)
  }
  const variance = chiSquare / Math.max(1, 2 * n - unknowns)
  const turn = Math.sqrt(variance / size)
  const shift = Math.sqrt(variance / total)
  return {
    transform: fitted,
    rms: Math.sqrt((2 * variance * n) / total),
    errors: [turn, turn, Math.hypot(shift, turn * cx), turn, turn, Math.hypot(shift, turn * cy)],
    count: n,
  }
}

export interface SimilarityOptions {
  weights?: ArrayLike<number>
  mirrored?: boolean
  /** The scale is 1. */
  rigid?: boolean
}

function sumOf(weights: ArrayLike<number>, n: number): number {
  let sum = 0
  for (let i = 0; i < n; i++) sum += weights[i]
  return sum
}

function middleOf(values: ArrayLike<number>, weights: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += weights[i] * values[i]
  return sum / sumOf(weights, values.length)
}
