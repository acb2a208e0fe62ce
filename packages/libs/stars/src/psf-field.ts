import { leastSquares, MAD_TO_SIGMA, medianOf, power } from '@nightpipe/math'

/** Places of a frame from -1 to 1 along each axis. */
export interface FieldScale {
  width: number
  height: number
}

/** How many terms a polynomial in two variables has. */
export const termsOf = (order: number) => ((order + 1) * (order + 2)) / 2

/** 1, u, v, u², uv, v² … at a place: u and v go from -1 to 1 over the frame. */
export function fieldTerms(
  { width, height }: FieldScale,
  x: number,
  y: number,
  order: number,
  out: Float64Array,
): void {
  const u = (2 * x) / Math.max(1, width - 1) - 1
  const v = (2 * y) / Math.max(1, height - 1) - 1
  let k = 0
  for (let degree = 0; degree <= order; degree++) {
    for (let j = 0; j <= degree; j++) out[k++] = power(u, degree - j) * power(v, j)
  }
}

/** The order that so many stars can carry, at most the one wanted. */
export function orderFor(stars: number, wanted: number): number {
  let order = wanted
  while (order > 0 && stars < 2.5 * termsOf(order)) order--
  return order
}

/**
 * A polynomial over the field through the values of stars, free of outliers: those beyond four robust sigma are left out,
 * in turn. Gives the coefficients, one for each term.
 */
export function fitField(
  terms: readonly Float64Array[],
  values: ArrayLike<number>,
  weights: ArrayLike<number>,
): Float64Array {
  const count = terms[0].length
  let used = terms.map((_, i) => i).filter((i) => Number.isFinite(values[i]) && weights[i] > 0)
  let solution = new Float64Array(count)
  for (let round = 0; round < 6; round++) {
    if (used.length < count) break
    const a = new Float64Array(used.length * count)
    const b = new Float64Array(used.length)
    used.forEach((i, row) => {
      const w = Math.sqrt(weights[i])
      for (let k = 0; k < count; k++) a[row * count + k] = w * terms[i][k]
      b[row] = w * values[i]
    })
    solution = new Float64Array(leastSquares(a, b, count).solution)
    const residual = used.map((i) => Math.abs(values[i] - dot(solution, terms[i])))
    const limit = 4 * MAD_TO_SIGMA * medianOf(residual) + 1e-12
    const next = used.filter((_, row) => residual[row] <= limit)
    if (next.length === used.length || next.length < count) break
    used = next
  }
  return solution
}

/** Sum of the products. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k]
  return sum
}
