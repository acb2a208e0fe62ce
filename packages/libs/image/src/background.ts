import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import { median, truncationFactor } from '@nightpipe/math'
import { splineAt, splineCurvature, splineWeights } from './spline.js'

export interface MeshOptions {
  /** Side of a mesh, px (64). Meshes are made nearly equal, so that none is a sliver. */
  mesh?: number
  /** Pixels further than this from the median of their mesh are left out, in sigma (3). */
  clip?: number
  iterations?: number
  /** Size in meshes of the median filter over the maps, odd; 1 for none (3). */
  filter?: number
  /** Masked pixels are left out: those with any of `maskBits` (all). */
  mask?: Int16Array
  maskBits?: number
}

/** Sky level and noise of an image on a coarse grid. */
export interface Background {
  columns: number
  rows: number
  /** Level and one-sigma noise of each mesh, row by row. */
  level: Float32Array
  rms: Float32Array
  /** The level at every pixel, by a bicubic spline through the meshes; rows `firstRow` and on when `out` is a strip. */
  expand(out?: Float32Array, firstRow?: number): Float32Array
  expandRms(out?: Float32Array, firstRow?: number): Float32Array
}

/**
 * The background of an image, mesh by mesh, as Bertin & Arnouts (1996, A&AS 117, 393) measure it: the values of a mesh
 * are clipped about their median until nothing changes; the level is then the mode, 2.5 median - 1.5 mean, or, where
 * stars crowd the mesh so that the two differ by over 0.3 sigma, the median. Meshes with under a fifth of their pixels
 * left take the mean of the nearest good ones; a median filter over the meshes takes out bright stars. An image
 * without any good pixel has level and noise NaN.
 */
export function backgroundMesh(
  pixels: Float32Array,
  width: number,
  height: number,
  options: MeshOptions = {},
): Background {
  const { mesh = 64, filter = 3, mask } = options
  if (!(mesh >= 1)) throw new RangeError(`a mesh of ${mesh} pixels is impossible`)
  if (!(filter >= 1 && filter % 2 === 1)) throw new RangeError(`a median filter over ${filter} meshes has no centre`)
  if (pixels.length !== width * height || (mask && mask.length !== pixels.length)) {
    throw new RangeError(`pixels and mask are not ${width} x ${height}`)
  }
  const columns = Math.max(1, Math.round(width / mesh))
  const rows = Math.max(1, Math.round(height / mesh))
  const level = new Float32Array(columns * rows)
  const rms = new Float32Array(columns * rows)
  for (let j = 0; j < rows; j++) {
    const y0 = Math.floor((j * height) / rows)
    const y1 = Math.floor(((j + 1) * height) / rows)
    const found = meshRow(pixels, width, y0, y1, columns, options)
    for (let i = 0; i < columns; i++) {
      const [mean, median, sigma, , , count, bad] = found.subarray(7 * i)
      const area = (y1 - y0) * (Math.floor(((i + 1) * width) / columns) - Math.floor((i * width) / columns))
      const enough = count > 0 && 5 * (area - bad) >= area
      const crowded = Math.abs(mean - median) > 0.3 * sigma
      level[j * columns + i] = !enough ? Number.NaN : crowded ? median : 2.5 * median - 1.5 * mean
      rms[j * columns + i] = enough ? sigma : Number.NaN
    }
  }
  const map = (values: Float32Array) => filterMeshes(fillMeshes(values, columns), columns, rows, filter)
  return background(map(level), map(rms), columns, rows, width, height)
}

/** The statistics of one row of meshes, rows `y0` to `y1` of the image: seven numbers a mesh. */
function meshRow(
  pixels: Float32Array,
  width: number,
  y0: number,
  y1: number,
  columns: number,
  options: MeshOptions,
): Float64Array {
  const { clip = 3, iterations = 5, mask, maskBits = -1 } = options
  return scoped(() => {
    const part = lent(pixels.subarray(y0 * width, y1 * width))
    const bits = mask ? lent(mask.subarray(y0 * width, y1 * width)).byteOffset : 0
    const largest = Math.ceil(width / columns) * (y1 - y0)
    const scratch = allocate(Float32Array, 2 * largest + 128)
    const results = allocate(Float64Array, 7 * columns)
    kernels().meshStatistics(
      ...([part.byteOffset, bits, maskBits, width, y1 - y0, columns, clip, truncationFactor(clip)] as const),
      ...([iterations, scratch.byteOffset, results.byteOffset] as const),
    )
    return results.slice()
  })
}

/** Puts the mean of the nearest good meshes where a mesh has no value. */
function fillMeshes(values: Float32Array, columns: number): Float32Array {
  const filled = Float32Array.from(values)
  for (let m = 0; m < values.length; m++) {
    if (!Number.isNaN(values[m])) continue
    let nearest = Number.POSITIVE_INFINITY
    let total = 0
    let count = 0
    for (let k = 0; k < values.length; k++) {
      if (Number.isNaN(values[k])) continue
      const dx = (k % columns) - (m % columns)
      const dy = Math.floor(k / columns) - Math.floor(m / columns)
      const distance = dx * dx + dy * dy
      if (distance > nearest) continue
      if (distance < nearest) total = count = 0
      nearest = distance
      total += values[k]
      count++
    }
    filled[m] = total / count
  }
  return filled
}

/**
 * The median over the `size` x `size` meshes about each. Beyond the edge the map goes on as its mirror image turned
 * upside down, so that a slope stays a slope.
 */
function filterMeshes(values: Float32Array, columns: number, rows: number, size: number): Float32Array {
  const half = (size - 1) / 2
  const window = new Float64Array(size * size)
  const alongRow = (i: number, j: number) => beyond(i, columns, (u) => values[j * columns + u])
  return values.map((_, m) => {
    const i = m % columns
    const j = Math.floor(m / columns)
    let n = 0
    for (let v = j - half; v <= j + half; v++) {
      for (let u = i - half; u <= i + half; u++) window[n++] = beyond(v, rows, (row) => alongRow(u, row))
    }
    return median(window, n)
  })
}

/** What `at` is at place `i` of 0 … n - 1, or would be a little outside. */
function beyond(i: number, n: number, at: (i: number) => number): number {
  if (i >= 0 && i < n) return at(i)
  const edge = i < 0 ? 0 : n - 1
  const mirror = Math.min(n - 1, Math.max(0, 2 * edge - i))
  return 2 * at(edge) - at(mirror)
}

function background(
  level: Float32Array,
  rms: Float32Array,
  columns: number,
  rows: number,
  width: number,
  height: number,
): Background {
  const expander = (map: Float32Array) => (out?: Float32Array, firstRow?: number) =>
    expandMeshes(map, columns, rows, width, height, out ?? new Float32Array(width * height), firstRow ?? 0)
  return { columns, rows, level, rms, expand: expander(level), expandRms: expander(rms) }
}

function expandMeshes(
  map: Float32Array,
  columns: number,
  rows: number,
  width: number,
  height: number,
  out: Float32Array,
  firstRow: number,
): Float32Array {
  const nodes = Array.from({ length: columns }, (_, i) => {
    const values = Float64Array.from({ length: rows }, (_, j) => map[j * columns + i])
    const curvature = new Float64Array(rows)
    splineCurvature(values, curvature, new Float64Array(rows))
    return { values, curvature }
  })
  const scratch = new Float64Array(columns)
  return scoped(() => {
    const [line, curvature] = [allocate(Float64Array, columns), allocate(Float64Array, columns)]
    const { first, weights } = columnWeights(columns, width)
    const row = allocate(Float32Array, width)
    const pairs = Math.max(1, columns - 1)
    const lines = [line.byteOffset, curvature.byteOffset, columns > 1 ? 1 : 0, first.byteOffset, pairs] as const
    for (let y = 0; y < out.length / width; y++) {
      const t = ((firstRow + y + 0.5) * rows) / height - 0.5
      for (let i = 0; i < columns; i++) line[i] = splineAt(nodes[i].values, nodes[i].curvature, t)
      splineCurvature(line, curvature, scratch)
      kernels().splineRow(...lines, weights.byteOffset, width, row.byteOffset)
      out.set(row, y * width)
    }
    return out
  })
}

/**
 * The spline along a row is linear in the values and curvatures of the two meshes about a pixel: four lines of weights, and
 * the first column of each pair of meshes. In kernel memory.
 */
function columnWeights(columns: number, width: number): { first: Int32Array; weights: Float64Array } {
  const pairs = Math.max(1, columns - 1)
  const first = allocate(Int32Array, pairs + 1).fill(0)
  const weights = allocate(Float64Array, 4 * width)
  const four = new Float64Array(4)
  for (let x = 0; x < width; x++) {
    const t = ((x + 0.5) * columns) / width - 0.5
    const i = Math.min(pairs - 1, Math.max(0, Math.floor(t)))
    first.fill(x + 1, i + 1)
    splineWeights(columns === 1 ? 0 : t - i, four)
    for (let k = 0; k < 4; k++) weights[k * width + x] = four[k]
  }
  return { first, weights }
}
