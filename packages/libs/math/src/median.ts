/** Any array of numbers that can be reordered in place. */
export type Values = Float32Array | Float64Array | Int32Array | Int16Array | Uint16Array | Uint8Array | number[]

/** Median absolute deviation to standard deviation, for Gaussian noise: 1 / Φ⁻¹(3/4). */
export const MAD_TO_SIGMA = 1.4826022185056018

/**
 * The value of rank `k` (from 0) among the first `n`, reordering them: those before place `k` are then not larger,
 * those after not smaller (Hoare 1961, with the median of three as pivot). No NaN among them.
 */
export function select(values: Values, k: number, n = values.length): number {
  if (values instanceof Float64Array) return selectDoubles(values, k, n)
  // Code that has met arrays of many kinds is slow with each of them: one kind is reordered, by code that meets no other.
  const doubles = new Float64Array(n === values.length ? values : values.slice(0, n))
  const found = selectDoubles(doubles, k, n)
  if (Array.isArray(values)) for (let i = 0; i < n; i++) values[i] = doubles[i]
  else values.set(doubles)
  return found
}

function selectDoubles(values: Float64Array, k: number, n: number): number {
  let low = 0
  let high = n - 1
  while (high > low) {
    const middle = (low + high) >> 1
    if (values[middle] < values[low]) swap(values, middle, low)
    if (values[high] < values[low]) swap(values, high, low)
    if (values[high] < values[middle]) swap(values, high, middle)
    const pivot = values[middle]
    let i = low
    let j = high
    while (i <= j) {
      while (values[i] < pivot) i++
      while (pivot < values[j]) j--
      if (i <= j) swap(values, i++, j--)
    }
    if (k <= j) high = j
    else if (k >= i) low = i
    else break
  }
  return values[k]
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i]
  values[i] = values[j]
  values[j] = kept
}

/**
 * The median of the first `n` values, the mean of the two middle ones when `n` is even; NaN of none. Reorders `values`:
 * for scratch, inside loops. No NaN among them; `medianOf` is the one for data.
 */
export function median(values: Values, n = values.length): number {
  if (n <= 0) return Number.NaN
  const upper = select(values, n >> 1, n)
  if (n & 1) return upper
  let lower = values[0] // select left the lower half before the upper middle
  for (let i = 1; i < n >> 1; i++) if (values[i] > lower) lower = values[i]
  return lower / 2 + upper / 2
}

/** The median of the values that are numbers; NaN when there are none. The input is left as it is. */
export function medianOf(values: ArrayLike<number>): number {
  const { scratch, n } = numbersOf(values)
  return median(scratch, n)
}

/**
 * Median absolute deviation about the median (or about `centre`), not scaled: `MAD_TO_SIGMA * mad(values)` is the
 * standard deviation of Gaussian noise. NaN values are left out.
 */
export function mad(values: ArrayLike<number>, centre = medianOf(values)): number {
  const { scratch, n } = numbersOf(values)
  for (let i = 0; i < n; i++) scratch[i] = Math.abs(scratch[i] - centre)
  return median(scratch, n)
}

/** A copy of the values without the NaN, at the head of `scratch`. */
export function numbersOf(values: ArrayLike<number>): { scratch: Float64Array; n: number } {
  const scratch = new Float64Array(values.length)
  let n = 0
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i])) scratch[n++] = values[i]
  return { scratch, n }
}
