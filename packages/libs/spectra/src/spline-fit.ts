/** Where the knots of a spline lie, and how stiff it is. */
export interface Knots {
  first: number
  last: number
  step: number
  /** of the penalty on third differences, in units of the weight of the points around; 0.001 where left out */
  stiffness?: number
}

/** A cubic spline of uniform knots: place of the first, distance, coefficients of the B-splines. */
export interface UniformSpline {
  first: number
  step: number
  coefficients: Float64Array
}

/** The four B-splines that are not zero at a fraction of a knot interval. */
function weightsAt(t: number, out: Float64Array): void {
  const s = 1 - t
  out[0] = (s * s * s) / 6
  out[1] = (3 * t * t * t - 6 * t * t + 4) / 6
  out[2] = (3 * s * s * s - 6 * s * s + 4) / 6
  out[3] = (t * t * t) / 6
}

/**
 * The spline of uniform knots that is nearest to weighted points (least squares), with a penalty on third differences.
 * Of a wave of n knots it leaves 1 / (1 + stiffness (2 sin π/n)^6): a stiffness of 0.001 holds back the waves of two knots,
 * which points in the middle between knots cannot see, and takes 0.1 % off those of six; one of 1 halves those of six.
 * Across gaps the curve bends as little as possible.
 */
export const fitUniformSpline = (
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  weight: ArrayLike<number>,
  knots: Knots,
): UniformSpline => splineOf(equationsOf(x, y, weight, knots), knots)

/** What points say about the coefficients of a spline, its stiffness apart. */
interface Equations {
  /** row k: diagonal, and three to its right */
  matrix: Float64Array
  right: Float64Array
  /** mean weight of a coefficient */
  mean: number
}

function splineOf({ matrix, right, mean }: Equations, { first, step, stiffness = 1e-3 }: Knots): UniformSpline {
  const n = right.length
  const stiff = matrix.slice()
  smooth(stiff, n, mean, stiffness)
  return { first, step, coefficients: solveBand(stiff, right.slice(), n) }
}

function equationsOf(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  weight: ArrayLike<number>,
  { first, last, step }: Knots,
): Equations {
  const intervals = Math.max(1, Math.ceil((last - first) / step))
  const n = intervals + 3
  const matrix = new Float64Array(4 * n)
  const right = new Float64Array(n)
  const b = new Float64Array(4)
  let total = 0
  for (let p = 0; p < x.length; p++) {
    const at = (x[p]! - first) / step
    const w = weight[p]!
    if (!(at >= 0 && at <= intervals && w > 0)) continue
    const k = Math.min(Math.floor(at), intervals - 1)
    weightsAt(at - k, b)
    total += w
    for (let i = 0; i < 4; i++) {
      right[k + i]! += w * b[i]! * y[p]!
      for (let j = i; j < 4; j++) matrix[4 * (k + i) + j - i]! += w * b[i]! * b[j]!
    }
  }
  return { matrix, right, mean: total / n }
}

/** Adds the penalty on third differences, (1, -3, 3, -1), by the weight of the points around; a little of the mean in gaps. */
function smooth(matrix: Float64Array, n: number, mean: number, stiffness: number): void {
  const difference = [1, -3, 3, -1]
  const weight = new Float64Array(n)
  for (let k = 0; k < n; k++) weight[k] = matrix[4 * k]!
  for (let k = 0; k + 3 < n; k++) {
    const strength = (stiffness * (weight[k]! + weight[k + 1]! + weight[k + 2]! + weight[k + 3]!)) / 4 + 1e-6 * mean
    for (let i = 0; i < 4; i++) {
      for (let j = i; j < 4; j++) matrix[4 * (k + i) + j - i]! += strength * difference[i]! * difference[j]!
    }
  }
  for (let k = 0; k < n; k++) matrix[4 * k]! += 1e-12 * mean
}

/** Solves a symmetric positive definite system of bandwidth four, in place (Cholesky). */
function solveBand(matrix: Float64Array, right: Float64Array, n: number): Float64Array {
  for (let k = 0; k < n; k++) {
    const pivot = Math.sqrt(Math.max(matrix[4 * k]!, Number.MIN_VALUE))
    matrix[4 * k] = pivot
    for (let j = 1; j < 4 && k + j < n; j++) matrix[4 * k + j]! /= pivot
    for (let i = 1; i < 4 && k + i < n; i++) {
      for (let j = i; j < 4 && k + j < n; j++) {
        matrix[4 * (k + i) + j - i]! -= matrix[4 * k + i]! * matrix[4 * k + j]!
      }
    }
  }
  for (let k = 0; k < n; k++) {
    for (let j = 1; j < 4 && k - j >= 0; j++) right[k]! -= matrix[4 * (k - j) + j]! * right[k - j]!
    right[k]! /= matrix[4 * k]!
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let j = 1; j < 4 && k + j < n; j++) right[k]! -= matrix[4 * k + j]! * right[k + j]!
    right[k]! /= matrix[4 * k]!
  }
  return right
}

/** The spline at a place; at the ends it goes on with its outermost cubic. */
export function uniformSplineAt({ first, step, coefficients }: UniformSpline, x: number): number {
  const at = (x - first) / step
  const k = Math.min(Math.max(Math.floor(at), 0), coefficients.length - 4)
  const t = at - k
  const s = 1 - t
  const inner =
    (3 * t * t * t - 6 * t * t + 4) * coefficients[k + 1]! + (3 * s * s * s - 6 * s * s + 4) * coefficients[k + 2]!
  return (s * s * s * coefficients[k]! + inner + t * t * t * coefficients[k + 3]!) / 6
}

/** Stiffness from none to much, by factors of four. */
const STIFFNESS = Array.from({ length: 9 }, (_, k) => 4e-3 * 4 ** k)

/**
 * The stiffness with which one half of the points foretells the other half best: what is noise in the points is then smoothed
 * away, and what is not stays.
 */
export function bestStiffness(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  weight: ArrayLike<number>,
  knots: Omit<Knots, 'stiffness'>,
): number {
  const halves = [0, 1].map((half) => {
    const own = new Float64Array(weight.length)
    for (let i = 0; i < own.length; i++) if (mixed(i) === half) own[i] = weight[i]!
    return own
  })
  const equations = halves.map((own) => equationsOf(x, y, own, knots))
  const missed = STIFFNESS.map((stiffness) => {
    let sum = 0
    equations.forEach((own, half) => {
      const curve = splineOf(own, { ...knots, stiffness })
      const other = halves[1 - half]!
      for (let i = 0; i < x.length; i++) {
        if (other[i] !== 0) sum += other[i]! * (y[i]! - uniformSplineAt(curve, x[i]!)) ** 2
      }
    })
    return sum
  })
  // Half the points want twice the stiffness of all.
  return STIFFNESS[missed.indexOf(Math.min(...missed))]! / 2
}

/** Halves that no pattern of the points can match: the parity of a mixed index. */
const mixed = (i: number) => (Math.imul(i, 0x9e3779b1) >>> 31) & 1
