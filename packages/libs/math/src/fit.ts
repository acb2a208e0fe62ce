import { leastSquares } from './least-squares.js'
import { MAD_TO_SIGMA, median } from './median.js'

export interface FitOptions {
  /** One sigma of each y. Without it the points weigh the same and the errors come from the residuals. */
  errors?: ArrayLike<number>
  /** Points further than this many sigma from the fit are set aside, and the fit is repeated. */
  clip?: number
  /** At most so many repetitions. */
  iterations?: number
}

export interface PolynomialFit {
  /** Coefficients in t = (x - middle) / half, the lowest power first, of Legendre polynomials. */
  coefficients: Float64Array
  middle: number
  half: number
  /** One sigma of each coefficient. */
  errors: Float64Array
  /** Standard deviation of the residuals of the kept points, degrees of freedom taken off; in the unit of y. */
  rms: number
  chiSquare: number
  /** How many points the last fit used. */
  count: number
  at(x: number): number
}

export interface LineFit {
  intercept: number
  slope: number
  interceptError: number
  slopeError: number
  /** Covariance of intercept and slope. */
  covariance: number
  rms: number
  chiSquare: number
  count: number
}

/** P0(t) … P(n-1)(t), the Legendre polynomials, into `out` (t between -1 and 1; Bonnet's recursion). */
export function legendre(t: number, out: Float64Array): Float64Array {
  if (out.length > 0) out[0] = 1
  if (out.length > 1) out[1] = t
  for (let n = 2; n < out.length; n++) out[n] = ((2 * n - 1) * t * out[n - 1] - (n - 1) * out[n - 2]) / n
  return out
}

/** A power series at `x`, the constant first (Horner). */
export function evaluatePolynomial(coefficients: ArrayLike<number>, x: number): number {
  let value = 0
  for (let i = coefficients.length - 1; i >= 0; i--) value = value * x + coefficients[i]
  return value
}

/**
 * A polynomial of `degree` through points with errors, by least squares over Legendre polynomials on the range of x:
 * well conditioned at any degree. Points whose x, y or error is not finite are left out.
 */
export function fitPolynomial(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  degree: number,
  options: FitOptions = {},
): PolynomialFit {
  const { middle, half } = domain(x)
  const terms = new Float64Array(degree + 1)
  const at = (t: number) => legendre((t - middle) / half, terms)
  const fit = clippedFit(x, y, degree + 1, at, options)
  const { coefficients } = fit
  const value = (position: number) => {
    at(position)
    let total = 0
    for (let i = 0; i <= degree; i++) total += coefficients[i] * terms[i]
    return total
  }
  const errors = coefficients.map((_, i) => Math.sqrt(fit.covariance[i * (degree + 2)]))
  return { ...fit, middle, half, errors, at: value }
}

/** A straight line through points with errors, with the errors of both its parameters and their covariance. */
export function fitLine(x: ArrayLike<number>, y: ArrayLike<number>, options: FitOptions = {}): LineFit {
  const { middle } = domain(x)
  const terms = new Float64Array(2)
  const at = (position: number) => {
    terms[0] = 1
    terms[1] = position - middle
    return terms
  }
  const { coefficients: c, covariance: v, rms, chiSquare, count } = clippedFit(x, y, 2, at, options)
  return {
    intercept: c[0] - middle * c[1],
    slope: c[1],
    interceptError: Math.sqrt(v[0] - 2 * middle * v[1] + middle * middle * v[3]),
    slopeError: Math.sqrt(v[3]),
    covariance: v[1] - middle * v[3],
    ...{ rms, chiSquare, count },
  }
}

function domain(x: ArrayLike<number>): { middle: number; half: number } {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i])) continue
    if (x[i] < low) low = x[i]
    if (x[i] > high) high = x[i]
  }
  return { middle: (low + high) / 2, half: (high - low) / 2 || 1 }
}

interface Solution {
  coefficients: Float64Array
  covariance: Float64Array
  rms: number
  chiSquare: number
  count: number
}

type Basis = (x: number) => Float64Array

function clippedFit(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  unknowns: number,
  basis: Basis,
  options: FitOptions,
): Solution {
  const { errors, clip = Number.POSITIVE_INFINITY, iterations = 5 } = options
  const sigma = (i: number) => (errors ? errors[i] : 1)
  let use: number[] = []
  for (let i = 0; i < x.length; i++) {
    if (Number.isFinite(x[i]) && Number.isFinite(y[i]) && sigma(i) > 0 && Number.isFinite(sigma(i))) use.push(i)
  }
  let fit = solvePoints(x, y, use, unknowns, basis, sigma, errors !== undefined)
  for (let round = 0; round < iterations && clip < Number.POSITIVE_INFINITY; round++) {
    const residuals = use.map((i) => Math.abs(y[i] - dot(fit.coefficients, basis(x[i]))) / sigma(i))
    // With given errors the unit is one sigma already, unless the scatter is larger than they say.
    const scatter = MAD_TO_SIGMA * median([...residuals])
    const limit = clip * (errors ? Math.max(1, scatter) : scatter)
    const kept = use.filter((_, k) => residuals[k] <= limit)
    if (kept.length === use.length || kept.length < unknowns) break
    use = kept
    fit = solvePoints(x, y, use, unknowns, basis, sigma, errors !== undefined)
  }
  return fit
}

function solvePoints(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  use: number[],
  unknowns: number,
  basis: Basis,
  sigma: (i: number) => number,
  known: boolean,
): Solution {
  const matrix = new Float64Array(use.length * unknowns)
  const right = new Float64Array(use.length)
  use.forEach((i, row) => {
    const terms = basis(x[i])
    for (let k = 0; k < unknowns; k++) matrix[row * unknowns + k] = terms[k] / sigma(i)
    right[row] = y[i] / sigma(i)
  })
  const { solution, covariance, chiSquare } = leastSquares(matrix, right, unknowns)
  const freedom = use.length - unknowns
  let squares = 0
  for (const i of use) squares += (y[i] - dot(solution, basis(x[i]))) ** 2
  const rms = freedom > 0 ? Math.sqrt(squares / freedom) : 0
  const scale = known ? 1 : freedom > 0 ? chiSquare / freedom : Number.NaN
  return { coefficients: solution, covariance: covariance.map((v) => v * scale), rms, chiSquare, count: use.length }
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i] * b[i]
  return total
}
