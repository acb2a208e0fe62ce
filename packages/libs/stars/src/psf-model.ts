import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { power } from '@nightpipe/math'
import { dot, fieldTerms, termsOf } from './psf-field.js'

/**
 * What a point of light looks like anywhere in a frame: an elliptical Moffat profile, its mean over each pixel, whose shape is a polynomial over the
 * field, plus a table of what that profile leaves, finer than pixels, each node of it again a polynomial (the effective
 * PSF of Anderson & King 2000, PASP 112, 1360: the response of pixels is in it). Fluxes are those within the stamp.
 */
export interface PsfParameters {
  width: number
  height: number
  /** Half side of the stamp of the model, px. */
  half: number
  beta: number
  /** Order of the polynomials over the field. */
  order: number
  /** Coefficients of the squared axes sxx, sxy, syy (px²) of the profile: its matrix is their inverse. */
  shape: [Float64Array, Float64Array, Float64Array]
  /** Table of residuals: spacing of its nodes in px, nodes along a side, and for each term a square of nodes. */
  step: number
  nodes: number
  table: Float64Array
  /** Coefficients of the sum of the profile over the stamp, by which it is divided. */
  norm: Float64Array
  /** Stars that it was made from, and their residuals over their expected noise. */
  stars: number
  chi: number
}

export interface Psf extends PsfParameters {
  /** Light of a point at (x, y) in the square of `size` pixels about the nearest pixel, normalised to sum 1. */
  render(x: number, y: number, size: number): Float32Array
  /** Full width at half maximum at a place: the geometric mean of both axes, px. */
  fwhm(x: number, y: number): number
  /** The profile at a place of the field, to be laid at any fraction of a pixel. */
  at(x: number, y: number): PsfHere
}

/** The model at one place of the field. */
export interface PsfHere {
  qxx: number
  qxy: number
  qyy: number
  beta: number
  /** 1 over the sum of the profile. */
  scale: number
  step: number
  nodes: number
  table: Float64Array
}

export function psfOf(parameters: PsfParameters): Psf {
  const { width, height, order, shape, table, nodes, step, beta, norm } = parameters
  const terms = new Float64Array(termsOf(order))
  const square = nodes * nodes
  const tables = new Map<number, Float64Array>()
  // the table varies slowly: it is put together once for each cell of the field
  const tableAt = (x: number, y: number) => {
    const cell = (across: number, size: number) => Math.floor((CELLS * clamp(across, size)) / size)
    const [u, v] = [cell(x, width), cell(y, height)]
    const key = v * CELLS + u
    const known = tables.get(key)
    if (known) return known
    fieldTerms({ width, height }, ((u + 0.5) * width) / CELLS, ((v + 0.5) * height) / CELLS, order, terms)
    const here = new Float64Array(square)
    for (let k = 0; k < terms.length; k++) {
      const factor = terms[k]
      for (let i = 0, p = k * square; i < square; i++, p++) here[i] += factor * table[p]
    }
    tables.set(key, here)
    return here
  }
  const shapeAt = (x: number, y: number) => {
    fieldTerms({ width, height }, clamp(x, width), clamp(y, height), order, terms)
    const [sxx, sxy, syy] = shape.map((coefficients) => dot(coefficients, terms))
    const determinant = Math.max(1e-6, sxx * syy - sxy * sxy)
    return { qxx: syy / determinant, qxy: -sxy / determinant, qyy: sxx / determinant, scale: 1 / dot(norm, terms) }
  }
  const at = (x: number, y: number): PsfHere => ({ ...shapeAt(x, y), beta, step, nodes, table: tableAt(x, y) })
  const fwhm = (x: number, y: number) => {
    const { qxx, qxy, qyy } = shapeAt(x, y)
    return 2 * Math.sqrt(power(2, 1 / beta) - 1) * power(qxx * qyy - qxy * qxy, -0.25)
  }
  const render = (x: number, y: number, size: number) => {
    const out = new Float64Array(size * size)
    const reach = (size - 1) >> 1
    samplePsf(at(x, y), x, y, Math.round(x) - reach, Math.round(y) - reach, size, size, out)
    let sum = 0
    for (const value of out) sum += value
    return Float32Array.from(out, (value) => value / sum)
  }
  return { ...parameters, at, fwhm, render }
}

/** Cells along each axis of the field for which the table is put together. */
const CELLS = 32

const clamp = (x: number, width: number) => Math.min(Math.max(x, 0), width - 1)

/**
 * Light of a point of flux 1 at (x, y) in the rectangle of columns x rows pixels from (x0, y0) on; and, where arrays for
 * them are given, its derivatives by x and y.
 */
export function samplePsf(
  here: PsfHere,
  x: number,
  y: number,
  x0: number,
  y0: number,
  columns: number,
  rows: number,
  out: Float64Array | Float32Array,
  byX?: Float64Array,
  byY?: Float64Array,
): void {
  sampleGrid(here, { x, y, x0, y0, columns, rows, pitch: 1 }, out, byX, byY)
}

/** Places `pitch` pixels apart from (x0, y0) on, about a point of light at (x, y). */
interface SampleGrid {
  x: number
  y: number
  x0: number
  y0: number
  columns: number
  rows: number
  pitch: number
}

/** The same at any regular places. */
export function sampleGrid(
  here: PsfHere,
  grid: SampleGrid,
  out: Float64Array | Float32Array,
  byX?: Float64Array,
  byY?: Float64Array,
): void {
  scoped(() => {
    const n = grid.columns * grid.rows
    const slopes = byX !== undefined && byY !== undefined
    const light = allocate(Float64Array, slopes ? 3 * n : n)
    sampleLent(here, grid, light, slopes)
    out.set(light.subarray(0, n))
    byX?.set(light.subarray(n, 2 * n))
    byY?.set(light.subarray(2 * n))
  })
}

/** The same into kernel memory: the light, then, with `slopes`, its derivatives by x and by y. */
export function sampleLent(
  { qxx, qxy, qyy, beta, scale, step, nodes, table }: PsfHere,
  { x, y, x0, y0, columns, rows, pitch }: SampleGrid,
  out: Float64Array,
  slopes: boolean,
): void {
  scoped(() => {
    const here = allocate(Float64Array, 11)
    here.set([qxx, qxy, qyy, beta, scale, step, x, y, x0, y0, pitch])
    const lent = allocate(Float64Array, nodes * nodes)
    if (nodes > 0) lent.set(table)
    kernels().samplePsf(
      ...([here.byteOffset, lent.byteOffset, nodes, columns, rows] as const),
      ...([out.byteOffset, slopes ? 1 : 0] as const),
    )
  })
}

/** The same at one place, (dx, dy) from the point: what kernels are slow to be asked for. */
export function lightAt(here: PsfHere, dx: number, dy: number): number {
  const { qxx, qxy, qyy, beta, scale, step, nodes, table } = here
  const u = 1 + qxx * dx * dx + 2 * qxy * dx * dy + qyy * dy * dy
  const [gx, gy] = [qxx * dx + qxy * dy, qxy * dx + qyy * dy]
  // the mean over a pixel: the profile, and its Laplacian over 24
  const overPixel = 1 + ((beta / 12) * ((2 * (beta + 1) * (gx * gx + gy * gy)) / u - qxx - qyy)) / u
  const profile = Math.exp(-beta * Math.log(u)) * overPixel
  const [tx, ty] = [dx / step + (nodes - 1) / 2, dy / step + (nodes - 1) / 2]
  const [ix, iy] = [Math.floor(tx), Math.floor(ty)]
  if (!(Math.min(ix, iy) >= 1 && Math.max(ix, iy) < nodes - 2)) return scale * profile
  let sum = 0
  for (let j = 0; j < 4; j++) {
    for (let i = 0; i < 4; i++) {
      sum += cubicWeight(j, ty - iy) * cubicWeight(i, tx - ix) * table[(iy - 1 + j) * nodes + ix - 1 + i]
    }
  }
  return scale * (profile + sum)
}

/** Weight of the first to the last of four nodes for cubic convolution (Keys 1981), at a fraction t between the middle two. */
function cubicWeight(node: number, t: number): number {
  if (node === 0) return ((-0.5 * t + 1) * t - 0.5) * t
  if (node === 1) return (1.5 * t - 2.5) * t * t + 1
  return node === 2 ? ((-1.5 * t + 2) * t + 0.5) * t : (0.5 * t - 0.5) * t * t
}

/** Everything that a table of a file needs to give the model back: plain arrays. */
export interface StoredPsf extends Omit<PsfParameters, 'shape'> {
  shape: Float64Array
}

export function psfToTable({ shape, ...rest }: PsfParameters): StoredPsf {
  const { width, height, half, beta, order, step, nodes, table, norm, stars, chi } = rest
  const flat = Float64Array.from([...shape[0], ...shape[1], ...shape[2]])
  return { width, height, half, beta, order, step, nodes, table, norm, stars, chi, shape: flat }
}

export function psfFromTable({ shape, ...rest }: StoredPsf): Psf {
  const n = termsOf(rest.order)
  return psfOf({ ...rest, shape: [shape.slice(0, n), shape.slice(n, 2 * n), shape.slice(2 * n, 3 * n)] })
}
