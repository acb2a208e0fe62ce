// How probable measurements are if the unknowns are of such a size (MacKay 1992).

/**
 * Logarithm of the probability of what made the normal equations of `n` unknowns (lower triangle, right side; float64), up to a constant,
 * each unknown being about zero with `precision`, 1 / sigma². −Infinity where they do not hold together. `scratch`: n² + 2 n values.
 */
export function logEvidence(normal: usize, right: usize, precision: usize, n: i32, scratch: usize): f64 {
  const rows = (<usize>n) << 3
  const rest = scratch
  const y = rest + rows * <usize>n
  const column = y + rows
  for (let i = 0; i < n; i++) {
    const own = (<usize>i) << 3
    for (let j = 0; j <= i; j++) {
      store<f64>(rest + rows * <usize>j + own, load<f64>(normal + rows * <usize>i + ((<usize>j) << 3)))
    }
    const diagonal = rest + rows * <usize>i + own
    store<f64>(diagonal, load<f64>(diagonal) + load<f64>(precision + own))
  }
  memory.copy(y, right, rows)
  let evidence: f64 = 0
  // Cholesky column by column, each taken off what is right of it, row by row of the upper triangle
  for (let k: usize = 0; k < rows; k += 8) {
    const own = rest + (k >> 3) * rows
    const pivot = load<f64>(own + k)
    if (!(pivot > 0)) return -Infinity
    const root = Math.sqrt(pivot)
    const value = load<f64>(y + k) / root
    for (let j = k + 8; j < rows; j += 8) store<f64>(column + j, load<f64>(own + j) / root)
    for (let i = k + 8; i < rows; i += 8) {
      const factor = load<f64>(column + i)
      store<f64>(y + i, load<f64>(y + i) - factor * value)
      takeOff(rest + (i >> 3) * rows, column, factor, i, rows)
    }
    evidence += 0.5 * value * value - Math.log(root)
    const expected = load<f64>(precision + k)
    if (expected > 0) evidence += 0.5 * Math.log(expected)
  }
  return evidence
}

/** Takes `factor` times a column off a row, from `i` on. */
// @ts-ignore: decorator
@inline
function takeOff(row: usize, column: usize, factor: f64, i: usize, end: usize): void {
  const factors = f64x2.splat(factor)
  let j = i
  for (; j + 16 <= end; j += 16) {
    v128.store(row + j, f64x2.sub(v128.load(row + j), f64x2.mul(factors, v128.load(column + j))))
  }
  if (j < end) store<f64>(row + j, load<f64>(row + j) - factor * load<f64>(column + j))
}
