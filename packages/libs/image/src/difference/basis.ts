import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { power } from '@nightpipe/math'

/**
 * The shapes that a matching kernel is made of. For 'gaussians' (Alard & Lupton 1998, ApJ 503, 325; Alard 2000, A&AS 144,
 * 363): Gaussians times polynomials, the first of sum 1, all others of sum 0, so that the first coefficient alone is the
 * ratio of fluxes. For 'delta' (Becker et al. 2012, MNRAS 425, 1341): one shape for each pixel.
 */
export type KernelBasis =
  | { kind: 'gaussians'; half: number; sigmas: number[]; degrees: number[] }
  | { kind: 'delta'; half: number }

/** A Gaussian times a power, along one axis. */
type Line = Float64Array

interface Shape {
  row: number
  column: number
  scale: number
  /** The first shape is taken off, to make the sum 0. */
  less: boolean
}

/** The distinct lines of a basis of Gaussians, and what shapes they make in pairs. */
export function gaussianShapes({ half, sigmas, degrees }: Extract<KernelBasis, { kind: 'gaussians' }>): {
  lines: Line[]
  shapes: Shape[]
} {
  const lines: Line[] = []
  const shapes: Shape[] = []
  sigmas.forEach((sigma, k) => {
    const first = lines.length
    for (let p = 0; p <= degrees[k]; p++) lines.push(gaussianPower(half, sigma, p))
    for (let p = 0; p <= degrees[k]; p++) {
      for (let q = 0; q <= degrees[k] - p; q++) {
        const even = p % 2 === 0 && q % 2 === 0
        const scale = even ? 1 / (total(lines[first + p]) * total(lines[first + q])) : 1
        shapes.push({ row: first + p, column: first + q, scale, less: even && shapes.length > 0 })
      }
    }
  })
  return { lines, shapes }
}

/** (u / sigma)^p exp(-u² / 2 sigma²), of largest absolute value about 1; odd ones have sum 0 by symmetry. */
function gaussianPower(half: number, sigma: number, degree: number): Line {
  const line = Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const u = (i - half) / sigma
    return power(u, degree) * Math.exp((-u * u) / 2)
  })
  const norm = Math.sqrt(line.reduce((s, value) => s + value * value, 0))
  return line.map((value) => value / norm)
}

const total = (line: Line) => line.reduce((a, b) => a + b, 0)

/** Each shape as an image of (2 half + 1)² values, row by row. */
export function basisImages(basis: KernelBasis): Float64Array[] {
  const side = 2 * basis.half + 1
  if (basis.kind === 'delta') {
    return Array.from({ length: side * side }, (_, p) =>
      Float64Array.from({ length: side * side }, (_, q) => +(p === q)),
    )
  }
  const { lines, shapes } = gaussianShapes(basis)
  const images = shapes.map(({ row, column, scale }) =>
    Float64Array.from({ length: side * side }, (_, p) => {
      return scale * lines[row][p % side] * lines[column][Math.floor(p / side)]
    }),
  )
  return images.map((image, k) => (shapes[k].less ? image.map((value, p) => value - images[0][p]) : image))
}

/** Sums of the products of every two shapes: what white noise of variance 1 adds to their normal equations. */
export function basisProducts(basis: KernelBasis): Float64Array {
  const images = basisImages(basis)
  return Float64Array.from({ length: images.length ** 2 }, (_, p) => {
    const [one, other] = [images[p % images.length], images[Math.floor(p / images.length)]]
    return one.reduce((sum, value, q) => sum + value * other[q], 0)
  })
}

/**
 * An image convolved with every shape of the basis. `source` is a square of side `side` + 2 half; each result one of side
 * `side`. All lie in kernel memory, one result after the other in `out`.
 */
export function convolveWithBasis(source: Float64Array, side: number, basis: KernelBasis, out: Float64Array): void {
  if (basis.kind === 'delta') shifted(source, side, basis.half, out)
  else scoped(() => withGaussians(source, side, basis, out))
}

/** Shapes of a basis. */
export function shapeCount(basis: KernelBasis): number {
  return basis.kind === 'delta' ? (2 * basis.half + 1) ** 2 : gaussianShapes(basis).shapes.length
}

function shifted(source: Float64Array, side: number, half: number, results: Float64Array): void {
  const wide = side + 2 * half
  let k = 0
  // a kernel value at (u, v) brings light from (x - u, y - v)
  for (let v = -half; v <= half; v++) {
    for (let u = -half; u <= half; u++, k++) {
      for (let y = 0; y < side; y++) {
        const from = (y + half - v) * wide + half - u
        results.set(source.subarray(from, from + side), (k * side + y) * side)
      }
    }
  }
}

function withGaussians(
  source: Float64Array,
  side: number,
  basis: Extract<KernelBasis, { kind: 'gaussians' }>,
  results: Float64Array,
): void {
  const wide = side + 2 * basis.half
  const n = wide - side + 1
  const { lines, shapes } = gaussianShapes(basis)
  const placed = lines.map((line) => {
    const copy = allocate(Float64Array, n)
    copy.set(line)
    return copy.byteOffset
  })
  const rows = placed.map((line) => {
    const out = allocate(Float64Array, side * wide).byteOffset
    kernels().stampRows(source.byteOffset, wide, line, n, out)
    return out
  })
  const area = side * side
  shapes.forEach(({ row, column, scale, less }, k) => {
    const at = results.byteOffset + 8 * k * area
    kernels().stampColumns(rows[row], side, placed[column], n, scale, at)
    if (less) for (let p = 0, q = k * area; p < area; p++, q++) results[q] -= results[p]
  })
}
