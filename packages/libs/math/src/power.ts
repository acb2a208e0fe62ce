/**
 * `base` to the power of `exponent`, the same in its last bit wherever it runs: the language leaves the last bits of `**`
 * to the machine, and Node 20 and Node 24 differ in them. Whole exponents multiply, which is exact as long as the result
 * is; others go through logarithms, within 1e-14 of the value for results of up to forty decades.
 */
export function power(base: number, exponent: number): number {
  if (Number.isInteger(exponent) && Math.abs(exponent) <= 1024) {
    const whole = wholePower(base, Math.abs(exponent))
    return exponent < 0 ? 1 / whole : whole
  }
  if (exponent === 0.5) return Math.sqrt(base)
  return Math.exp(exponent * Math.log(base))
}

/** By squaring: the last multiplications of a small exponent are those that a person would write. */
function wholePower(base: number, exponent: number): number {
  let [product, square, left] = [1, base, exponent]
  for (;;) {
    if (left & 1) product *= square
    left >>= 1
    if (left === 0) return product
    square *= square
  }
}
