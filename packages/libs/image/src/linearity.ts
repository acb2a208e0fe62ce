import { calibratePixels } from './calibrate.js'

/** What makes net counts of an amplifier proportional to light. */
export interface Linearity {
  /** The true signal is net (1 + c1 net + c2 net² …), net being ADU above the bias; none where there is a table. */
  coefficients: readonly number[]
  /** Net and true ADU, both rising. */
  table?: { net: ArrayLike<number>; true: ArrayLike<number> }
  /** What a header says of it: the coefficients, or the name of the table. */
  said: string
}

/** Net counts made proportional to light, in place. */
export function makeLinear(net: Float32Array, { coefficients, table }: Linearity): void {
  if (!table) calibratePixels(net, { linearity: coefficients }, { pixels: net })
  else for (let p = 0; p < net.length; p++) net[p] = byTable(table, net[p]).value
}

/** The true value of a net one by a table, straight between its points and beyond its ends, and the slope there. */
export function byTable(table: NonNullable<Linearity['table']>, net: number): { value: number; slope: number } {
  const { net: x, true: y } = table
  let low = 0
  let high = x.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (x[middle] <= net) low = middle
    else high = middle - 1
  }
  const slope = (y[low + 1] - y[low]) / (x[low + 1] - x[low])
  return { value: y[low] + slope * (net - x[low]), slope }
}
