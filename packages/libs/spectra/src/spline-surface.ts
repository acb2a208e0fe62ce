import { type BandedMatrix, solveBandedInPlace } from '@nightpipe/math'

/** A smooth surface: a tensor product of cubic B-splines with even knots, over a rectangle. */
export interface SplineSurface {
  x: SplineAxis
  y: SplineAxis
  /** [y][x] */
  coefficients: Float64Array
}

/** Even intervals from `low` to `high`. There are `pieces` + 3 splines. */
export interface SplineAxis {
  low: number
  high: number
  pieces: number
}

/** Points to be fitted, each with the weight 1 / sigma². */
export interface SurfacePoints {
  x: Float64Array
  y: Float64Array
  value: Float64Array
  weight: Float64Array
}

/** The four splines that are not 0 at a place: the first of them, and their values. Outside the axis those of its end. */
function splinesAt({ low, high, pieces }: SplineAxis, at: number, values: Float64Array): number {
  const u = (Math.min(high, Math.max(low, at)) - low) * (pieces / (high - low))
  const first = Math.min(pieces - 1, Math.floor(u))
  const t = u - first
  const s = 1 - t
  values[0] = (s * s * s) / 6
  values[1] = (3 * t * t * t - 6 * t * t + 4) / 6
  values[2] = (3 * s * s * s - 6 * s * s + 4) / 6
  values[3] = (t * t * t) / 6
  return first
}

/** How much the second differences of neighbouring coefficients count, of what the points do: enough to bridge holes. */
const STIFFNESS = 1e-3

/**
 * The surface of least squares through weighted points, its coefficients held together weakly where points are few
 * (Eilers & Marx 1996, Statistical Science 11, 89: P-splines).
 */
export function fitSurface(points: SurfacePoints, x: SplineAxis, y: SplineAxis): SplineSurface {
  const columns = x.pieces + 3
  const n = columns * (y.pieces + 3)
  // splines that meet are three rows and three columns apart at most
  const band = 3 * columns + 3
  const normal = { band, values: new Float64Array(n * (band + 1)) }
  const right = new Float64Array(n)
  const [bx, by] = [new Float64Array(4), new Float64Array(4)]
  const both = new Float64Array(16)
  for (let p = 0; p < points.value.length; p++) {
    const weight = points.weight[p]!
    if (!(weight > 0)) continue
    const i0 = splinesAt(x, points.x[p]!, bx)
    const j0 = splinesAt(y, points.y[p]!, by)
    for (let a = 0; a < 16; a++) both[a] = by[a >> 2]! * bx[a & 3]!
    const start = j0 * columns + i0
    for (let a = 0; a < 16; a++) {
      const one = start + (a >> 2) * columns + (a & 3)
      const value = weight * both[a]!
      right[one]! += value * points.value[p]!
      // the lower triangle says it all
      const row = one * band + band // of (one, 0), were it inside the band
      for (let b = 0; b <= a; b++) normal.values[row + start + (b >> 2) * columns + (b & 3)]! += value * both[b]!
    }
  }
  stiffen(normal, columns, y.pieces + 3)
  return { x, y, coefficients: solveBandedInPlace(normal, right) }
}

/** Adds the penalty on second differences along both axes, and a trace of a ridge. */
function stiffen({ band, values }: BandedMatrix, columns: number, rows: number): void {
  const n = columns * rows
  const at = (i: number, j: number) => i * band + band + j
  let trace = 0
  for (let k = 0; k < n; k++) trace += values[at(k, k)]!
  const weight = (STIFFNESS * trace) / n
  const add = (a: number, b: number, c: number) => {
    const each = [a, b, c]
    const factors = [1, -2, 1]
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j <= i; j++) values[at(each[i]!, each[j]!)]! += weight * factors[i]! * factors[j]!
    }
  }
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const k = j * columns + i
      if (i + 2 < columns) add(k, k + 1, k + 2)
      if (j + 2 < rows) add(k, k + columns, k + 2 * columns)
    }
  }
  for (let k = 0; k < n; k++) values[at(k, k)]! += 1e-9 * weight
}

/** The surface at one place. */
export const surfaceAt = (surface: SplineSurface, x: number, y: number): number =>
  surfaceValues(surface, Float64Array.of(x), Float64Array.of(y))[0]!

/** The surface at many places. */
export function surfaceValues({ x, y, coefficients }: SplineSurface, xs: Float64Array, ys: Float64Array): Float64Array {
  const [bx, by] = [new Float64Array(4), new Float64Array(4)]
  const columns = x.pieces + 3
  const values = new Float64Array(xs.length)
  for (let p = 0; p < values.length; p++) {
    const i0 = splinesAt(x, xs[p]!, bx)
    const j0 = splinesAt(y, ys[p]!, by)
    let sum = 0
    for (let j = 0; j < 4; j++) {
      const row = (j0 + j) * columns + i0
      for (let i = 0; i < 4; i++) sum += by[j]! * bx[i]! * coefficients[row + i]!
    }
    values[p] = sum
  }
  return values
}

/** The surface along a row, at `width` pixels `step` apart, for one row after the other. */
export function surfaceRows({ x, y, coefficients }: SplineSurface, width: number, step = 1) {
  const columns = x.pieces + 3
  const first = new Int32Array(width)
  const basis = new Float64Array(4 * width)
  for (let p = 0; p < width; p++) first[p] = splinesAt(x, p * step, basis.subarray(4 * p, 4 * p + 4))
  const by = new Float64Array(4)
  const line = new Float64Array(columns)
  return (row: number, into: Float32Array): Float32Array => {
    const j0 = splinesAt(y, row, by)
    for (let i = 0; i < columns; i++) {
      line[i] = 0
      for (let j = 0; j < 4; j++) line[i] += by[j]! * coefficients[(j0 + j) * columns + i]!
    }
    for (let p = 0; p < width; p++) {
      const i = first[p]!
      const at = 4 * p
      into[p] =
        basis[at]! * line[i]! +
        basis[at + 1]! * line[i + 1]! +
        basis[at + 2]! * line[i + 2]! +
        basis[at + 3]! * line[i + 3]!
    }
    return into
  }
}
