/** The sum, with the rounding errors carried along (Neumaier 1974): exact to the last digit for any usual data. */
export function sum(values: ArrayLike<number>): number {
  let total = 0
  let carry = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    const next = total + value
    carry += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  // With an infinity among them the carry is Infinity - Infinity: the total alone is right.
  return Number.isFinite(total) ? total + carry : total
}

/** The arithmetic mean; NaN of none. */
export function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length
}
