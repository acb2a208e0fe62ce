/** Raised as a RangeError: the equations do not determine the unknowns. */
export const SINGULAR = 'the equations do not determine the unknowns: too few points, or they repeat one another'

/**
 * Solves A x = b for a symmetric positive definite A (n x n, row by row; its lower triangle is read) by Cholesky's
 * factorisation. Neither is changed.
 */
export const solve = (a: ArrayLike<number>, b: ArrayLike<number>): Float64Array => through(cholesky(a, b.length), b)

/** `solve` for one matrix A (n x n) and any number of right-hand sides: it is factorised once. */
export function solver(a: ArrayLike<number>, n: number): (b: ArrayLike<number>) => Float64Array {
  const factor = cholesky(a, n)
  return (b) => through(factor, b)
}

/** The x of L Lᵀ x = b. */
function through(factor: Float64Array, b: ArrayLike<number>): Float64Array {
  const n = b.length
  const x = new Float64Array(b)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) x[i] -= factor[i * n + j] * x[j]
    x[i] /= factor[i * n + i]
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) x[i] -= factor[j * n + i] * x[j]
    x[i] /= factor[i * n + i]
  }
  return x
}

/** The inverse of a symmetric positive definite matrix (n x n, row by row; its lower triangle is read). */
export function inverse(a: ArrayLike<number>, n: number): Float64Array {
  const factor = cholesky(a, n)
  // L⁻¹ in place of L, column by column
  for (let j = 0; j < n; j++) {
    factor[j * n + j] = 1 / factor[j * n + j]
    for (let i = j + 1; i < n; i++) {
      let rest = 0
      for (let k = j; k < i; k++) rest -= factor[i * n + k] * factor[k * n + j]
      factor[i * n + j] = rest / factor[i * n + i]
    }
  }
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let k = i; k < n; k++) sum += factor[k * n + i] * factor[k * n + j]
      out[i * n + j] = sum
      out[j * n + i] = sum
    }
  }
  return out
}

function cholesky(a: ArrayLike<number>, n: number): Float64Array {
  const factor = new Float64Array(a) // what is above its diagonal is not read
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = factor[i * n + j]
      for (let k = 0; k < j; k++) rest -= factor[i * n + k] * factor[j * n + k]
      if (i !== j) factor[i * n + j] = rest / factor[j * n + j]
      else if (rest > 0) factor[i * n + i] = Math.sqrt(rest)
      else throw new RangeError(SINGULAR)
    }
  }
  return factor
}

export interface LeastSquares {
  solution: Float64Array
  /** Covariance of the solution for unit variance of the right-hand side: (AᵀA)⁻¹, row by row. */
  covariance: Float64Array
  /** Sum of the squared residuals. */
  chiSquare: number
}

/**
 * The x that makes |A x - b| smallest, by Householder's QR (no squaring of the condition number). A is `b.length` rows
 * of `columns`, row by row. Divide each row of A and b by its sigma for a weighted fit.
 */
export function leastSquares(a: ArrayLike<number>, b: ArrayLike<number>, columns: number): LeastSquares {
  const rows = b.length
  if (rows < columns) throw new RangeError(SINGULAR)
  const r = new Float64Array(a)
  const q = new Float64Array(b)
  let scale = 0
  for (let k = 0; k < columns; k++) {
    const diagonal = reflect(r, q, k, rows, columns)
    scale = Math.max(scale, Math.abs(diagonal))
    if (!(Math.abs(diagonal) > 1e-13 * scale)) throw new RangeError(SINGULAR)
  }
  const solution = new Float64Array(columns)
  for (let i = columns - 1; i >= 0; i--) {
    let rest = q[i]
    for (let j = i + 1; j < columns; j++) rest -= r[i * columns + j] * solution[j]
    solution[i] = rest / r[i * columns + i]
  }
  let chiSquare = 0
  for (let i = columns; i < rows; i++) chiSquare += q[i] * q[i]
  return { solution, covariance: inverseNormal(r, columns), chiSquare }
}

/** One Householder reflection: clears column `k` of `r` below its diagonal, and returns that diagonal. */
function reflect(r: Float64Array, q: Float64Array, k: number, rows: number, columns: number): number {
  let norm = 0
  for (let i = k; i < rows; i++) norm += r[i * columns + k] ** 2
  norm = Math.sqrt(norm)
  if (norm === 0) return 0
  const diagonal = r[k * columns + k] > 0 ? -norm : norm
  r[k * columns + k] -= diagonal
  const half = -diagonal * r[k * columns + k] // vᵀv / 2
  for (let j = k + 1; j <= columns; j++) {
    let dot = 0
    for (let i = k; i < rows; i++) dot += r[i * columns + k] * (j < columns ? r[i * columns + j] : q[i])
    for (let i = k; i < rows; i++) {
      const step = (dot / half) * r[i * columns + k]
      if (j < columns) r[i * columns + j] -= step
      else q[i] -= step
    }
  }
  r[k * columns + k] = diagonal
  return diagonal
}

/** (RᵀR)⁻¹ from the upper triangle R. */
function inverseNormal(r: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n) // R⁻¹, upper triangle
  for (let j = 0; j < n; j++) {
    inverse[j * n + j] = 1 / r[j * n + j]
    for (let i = j - 1; i >= 0; i--) {
      let rest = 0
      for (let k = i + 1; k <= j; k++) rest -= r[i * n + k] * inverse[k * n + j]
      inverse[i * n + j] = rest / r[i * n + i]
    }
  }
  const covariance = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let k = Math.max(i, j); k < n; k++) covariance[i * n + j] += inverse[i * n + k] * inverse[j * n + k]
    }
  }
  return covariance
}
