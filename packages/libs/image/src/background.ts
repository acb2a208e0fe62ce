import { median, robustStatistics } from '@nightpipe/math'
import { splineAt, splineCurvature } from './spline.js'

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
 * left take the mean of the good ones around them; a median filter over the meshes takes out bright stars. An image
 * without any good pixel has level and noise NaN.
 */
export function backgroundMesh(
  pixels: Float32Array,
  width: number,
  height: number,
  options: MeshOptions = {},
): Background {
  const { mesh = 64, filter = 3 } = options
  if (!(mesh >= 1)) throw new RangeError(`a mesh of ${mesh} pixels is impossible`)
  const columns = Math.max(1, Math.round(width / mesh))
  const rows = Math.max(1, Math.round(height / mesh))
  const level = new Float32Array(columns * rows)
  const rms = new Float32Array(columns * rows)
  const scratch = new Float64Array((Math.ceil(width / columns) + 1) * (Math.ceil(height / rows) + 1))
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const x0 = Math.floor((i * width) / columns)
      const x1 = Math.floor(((i + 1) * width) / columns)
      const y0 = Math.floor((j * height) / rows)
      const y1 = Math.floor(((j + 1) * height) / rows)
      let n = 0
      for (let y = y0; y < y1; y++) {
        for (let p = y * width + x0; p < y * width + x1; p++) {
          if (options.mask && (options.mask[p] & (options.maskBits ?? -1)) !== 0) continue
          if (Number.isFinite(pixels[p])) scratch[n++] = pixels[p]
        }
      }
      const m = j * columns + i
      const enough = 5 * n >= (x1 - x0) * (y1 - y0)
      const { clip, iterations } = options
      const stats = robustStatistics(scratch.subarray(0, n), { clip, iterations })
      const crowded = Math.abs(stats.mean - stats.median) > 0.3 * stats.sigma
      level[m] = !enough ? Number.NaN : crowded ? stats.median : 2.5 * stats.median - 1.5 * stats.mean
      rms[m] = enough ? stats.sigma : Number.NaN
    }
  }
  const map = (values: Float32Array) => filterMeshes(fillMeshes(values, columns), columns, rows, filter)
  return background(map(level), map(rms), columns, rows, width, height)
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

/** The median over the `size` x `size` meshes about each, those outside left out. */
function filterMeshes(values: Float32Array, columns: number, rows: number, size: number): Float32Array {
  const half = (size - 1) / 2
  const window = new Float64Array(size * size)
  return values.map((_, m) => {
    const i = m % columns
    const j = Math.floor(m / columns)
    let n = 0
    for (let v = Math.max(0, j - half); v <= Math.min(rows - 1, j + half); v++) {
      for (let u = Math.max(0, i - half); u <= Math.min(columns - 1, i + half); u++)
        window[n++] = values[v * columns + u]
    }
    return median(window, n)
  })
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
  const line = new Float64Array(columns)
  const curvature = new Float64Array(columns)
  const scratch = new Float64Array(columns)
  for (let y = 0; y < out.length / width; y++) {
    const t = ((firstRow + y + 0.5) * rows) / height - 0.5
    for (let i = 0; i < columns; i++) line[i] = splineAt(nodes[i].values, nodes[i].curvature, t)
    splineCurvature(line, curvature, scratch)
    for (let x = 0; x < width; x++) out[y * width + x] = splineAt(line, curvature, ((x + 0.5) * columns) / width - 0.5)
  }
  return out
}
