/** Σ c L(x) in Legendre polynomials. */
export function legendre(coefficients: readonly number[], x: number): number {
  let sum = 0
  let last = 0
  let now = 1
  for (let k = 0; k < coefficients.length; k++) {
    sum += coefficients[k]! * now
    const next = ((2 * k + 1) * x * now - k * last) / (k + 1)
    last = now
    now = next
  }
  return sum
}
