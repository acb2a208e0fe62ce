import { SINGULAR } from './least-squares.js'

/** A symmetric matrix that is zero beyond `band` places from its diagonal: its lower half, row by row, the diagonal last. */
export interface BandedMatrix {
  band: number
  /** n rows of band + 1: (i, j) with i - band <= j <= i is at i * (band + 1) + band + j - i */
  values: Float64Array
}

/**
 * Solves A x = b for a symmetric positive definite matrix of few diagonals by Cholesky's factorisation, in place of both:
 * the same sums in the same order as `solve`, those of zeros left out.
 */
export function solveBandedInPlace({ band, values }: BandedMatrix, b: Float64Array): Float64Array {
  const n = b.length
  const stride = band + 1
  for (let i = 0; i < n; i++) {
    const row = i * stride + band - i
    const from = Math.max(0, i - band)
    for (let j = from; j <= i; j++) {
      const other = j * stride + band - j
      let rest = values[row + j]!
      for (let k = Math.max(from, j - band); k < j; k++) rest -= values[row + k]! * values[other + k]!
      if (i !== j) values[row + j] = rest / values[other + j]!
      else if (rest > 0) values[row + i] = Math.sqrt(rest)
      else throw new RangeError(SINGULAR)
    }
  }
  for (let i = 0; i < n; i++) {
    const row = i * stride + band - i
    for (let j = Math.max(0, i - band); j < i; j++) b[i]! -= values[row + j]! * b[j]!
    b[i]! /= values[row + i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j <= Math.min(n - 1, i + band); j++) b[i]! -= values[j * stride + band - j + i]! * b[j]!
    b[i]! /= values[i * stride + band]!
  }
  return b
}
