import type { Kernel } from '@nightpipe/image'

/** A kernel as a sum of columns times rows; the fewer terms, the faster. */
export interface SeparableFilter {
  terms: number
  /** Half of the size: 2 half + 1 weights for each term, along x and along y. */
  half: number
  across: Float32Array
  along: Float32Array
  /** Noise of the filtered image where that of the pixels is 1. */
  noise: number
  /** Limits are the same at the edges of the image, though the filtered image is quieter there. */
  even?: boolean
}

/** A part of the kernel below this, relative to the whole, is left out. */
const NEGLIGIBLE = 1e-4

/** Splits a kernel of odd size into columns times rows, the largest first (singular values by power iteration). */
export function separate({ width, height, values }: Kernel, mostTerms = 8): SeparableFilter {
  const half = (Math.max(width, height) - 1) / 2
  const size = 2 * half + 1
  const rest = new Float64Array(size * size)
  const [left, top] = [half - (width - 1) / 2, half - (height - 1) / 2]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rest[(y + top) * size + x + left] = values[y * width + x]
  }
  const whole = Math.sqrt(rest.reduce((sum, value) => sum + value * value, 0))
  const [across, along]: number[][] = [[], []]
  let terms = 0
  while (terms < mostTerms) {
    const { row, column } = strongest(rest, size)
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) rest[y * size + x] -= column[y] * row[x]
    across.push(...row)
    along.push(...column)
    terms++
    if (Math.sqrt(rest.reduce((sum, value) => sum + value * value, 0)) < NEGLIGIBLE * whole) break
  }
  return { terms, half, across: Float32Array.from(across), along: Float32Array.from(along), noise: whole }
}

/** The column times row that is nearest to a matrix. */
function strongest(matrix: Float64Array, size: number): { row: Float64Array; column: Float64Array } {
  // start from the heaviest row, which no symmetry makes orthogonal to the answer
  let heaviest = 0
  const weight = (y: number) => matrix.subarray(y * size, (y + 1) * size).reduce((sum, value) => sum + value * value, 0)
  for (let y = 1; y < size; y++) if (weight(y) > weight(heaviest)) heaviest = y
  const row = matrix.slice(heaviest * size, (heaviest + 1) * size)
  const column = new Float64Array(size)
  for (let i = 0; i < 60; i++) {
    const before = row.slice()
    const norm = row.reduce((sum, value) => sum + value * value, 0) || 1
    for (let y = 0; y < size; y++) {
      column[y] = 0
      for (let x = 0; x < size; x++) column[y] += (matrix[y * size + x] * row[x]) / norm
    }
    const tall = column.reduce((sum, value) => sum + value * value, 0) || 1
    row.fill(0)
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) row[x] += (matrix[y * size + x] * column[y]) / tall
    }
    if (row.every((value, x) => value === before[x])) break // it stays what it is
  }
  return { row, column }
}

/** No filter. */
export const IDENTITY: Kernel = { width: 1, height: 1, values: [1] }

/** A round Gaussian of this full width at half maximum, normalised to sum 1: the filter that finds such stars best. */
export function gaussianKernel(fullWidthPx: number): Kernel {
  const sigma = Math.max(fullWidthPx, 1) / 2.3548
  const half = Math.max(1, Math.min(12, Math.ceil(2.5 * sigma)))
  const size = 2 * half + 1
  const values = new Float64Array(size * size)
  let total = 0
  for (let y = -half, k = 0; y <= half; y++) {
    for (let x = -half; x <= half; x++, k++) {
      values[k] = Math.exp(-(x * x + y * y) / (2 * sigma * sigma))
      total += values[k]
    }
  }
  return { width: size, height: size, values: values.map((value) => value / total) }
}

/**
 * How much of the noise is left at each of `size` places along one axis, for a line of weights that is cut at the edges:
 * there the filtered image is quieter.
 */
export function edgeFactors(
  line: ArrayLike<number>,
  half: number,
  size: number,
  factor: number,
  target: Float32Array,
): void {
  let whole = 0
  for (let k = 0; k <= 2 * half; k++) whole += line[k] ** 2
  for (let i = 0; i < size; i++) {
    let inside = whole
    if (i < half || i >= size - half) {
      inside = 0
      for (let k = 0; k <= 2 * half; k++) if (i + k - half >= 0 && i + k - half < size) inside += line[k] ** 2
    }
    target[i] = factor * Math.sqrt(inside / whole)
  }
}
