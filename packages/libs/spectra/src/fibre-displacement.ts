import { power } from '@nightpipe/math'

/** The monomials of the displacement of one fibre from the reference fibre, [power of x, power of order], in the order F00 … F09. */
export const DISPLACEMENT_TERMS: readonly (readonly [number, number])[] = [
  ...([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
    [0, 2],
    [1, 2],
    [2, 0],
    [2, 1],
    [3, 0],
    [0, 3],
  ] as const),
]

/** How far (px) a line of a fibre lies from the same line of the reference fibre; x from the middle, order index from the middle. */
export function displacement(coefficients: ArrayLike<number>, fromMiddle: number, orderFromMiddle: number): number {
  let sum = 0
  for (let k = 0; k < DISPLACEMENT_TERMS.length; k++) {
    const [i, j] = DISPLACEMENT_TERMS[k]!
    sum += coefficients[k]! * power(fromMiddle, i) * power(orderFromMiddle, j)
  }
  return sum
}

/**
 * Wavelengths along an order of another fibre, λ(x) = λ_reference(x − Δ(x)), for all `nx` pixels. `reference` gives λ at any x, also a
 * little outside of the detector.
 */
export function displaced(
  reference: (x: number) => number,
  coefficients: ArrayLike<number>,
  nx: number,
  orderFromMiddle: number,
): Float64Array {
  const out = new Float64Array(nx)
  for (let x = 0; x < nx; x++) out[x] = reference(x - displacement(coefficients, x - nx / 2, orderFromMiddle))
  return out
}
