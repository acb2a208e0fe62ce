import { splineCurvature, splineWeights } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { SkyMesh } from './background.js'

/** A map on a coarse grid of meshes, spread over an image by a bicubic spline, as kernels and lookups want it. */
export interface Surface {
  columns: number
  /** Writes values and curvatures of rows y0 to y1: the `lines` of the kernels of assembly/detect.ts, in kernel memory. */
  lines(y0: number, y1: number, target: Float32Array | Float64Array): void
  /** The value at a pixel. */
  at(x: number, y: number): number
  /** The same at many pixels. */
  atAll(xs: Float64Array, ys: Float64Array): Float64Array
  /** The weights of the meshes along a row, in kernel memory: valid as long as the caller's `scoped`. */
  across(): { first: Int32Array; weights: Float64Array }
  /** The same in single precision, with room for vectors at the end of each line. */
  alongRow(): { first: Int32Array; weights: Float32Array; stride: number }
}

/** Between which two of `n` meshes a place lies: the first of them. The first pixel is from 0 to 1. */
const cellOf = (x: number, n: number, pitch: number) => Math.min(n - 2, Math.max(0, Math.floor(x / pitch - 0.5)))

/** The cubic itself, beyond the outermost meshes too, where `splineWeights` goes on straight. */
function cubicWeights(b: number, out: Float64Array): Float64Array {
  const a = 1 - b
  out[0] = a
  out[1] = b
  out[2] = (a * a * a - a) / 6
  out[3] = (b * b * b - b) / 6
  return out
}

/** Second derivatives as SExtractor has them: coming back, what it takes over from the next is divided by 6 once too often. */
function classicCurvature(values: Float64Array, out: Float64Array, scratch: Float64Array): void {
  const n = values.length
  out[0] = scratch[0] = out[n - 1] = 0
  for (let i = 1; i < n - 1; i++) {
    out[i] = -1 / (out[i - 1] + 4)
    scratch[i] = out[i] * (scratch[i - 1] - 6 * (values[i + 1] + values[i - 1] - 2 * values[i]))
  }
  for (let i = n - 2; i > 0; i--) out[i] = (out[i] * out[i + 1]) / 6 + scratch[i]
}

/**
 * The spline surface through a map of meshes over an image; `classic` lets its cubics go on to the edge. It lies in kernel
 * memory, and is valid as long as the caller's `scoped`.
 */
export function makeSurface(
  map: Float32Array,
  { columns, rows, pitchX, pitchY }: SkyMesh,
  width: number,
  height: number,
  classic: boolean,
): Surface {
  const weightsOf = classic ? cubicWeights : splineWeights
  // SExtractor takes rows at their lower edge
  const high = classic ? 0 : 0.5
  const curve = classic ? classicCurvature : splineCurvature
  // the spline is linear in what it goes through: curvatures along x are taken of the meshes once, not of every row
  const nodes = allocate(Float64Array, 4 * map.length)
  const [value, bend, valueAcross, bendAcross] = [0, 1, 2, 3].map((k) =>
    nodes.subarray(k * map.length, (k + 1) * map.length),
  )
  value.set(map)
  columnCurvature(map, columns, rows, curve, bend)
  rowCurvature(value, columns, rows, curve, valueAcross)
  rowCurvature(bend, columns, rows, curve, bendAcross)
  const [up, along] = [new Float64Array(4), new Float64Array(4)]
  const nextRow = rows === 1 ? 0 : columns
  const nextColumn = columns === 1 ? 0 : 1
  /** Sets the weights of the rows of meshes about a row of the image; gives the number of the first mesh. */
  const rowAt = (y: number) => {
    const cell = rows === 1 ? 0 : cellOf(y + high, rows, pitchY)
    weightsOf(rows === 1 ? 0 : (y + high) / pitchY - 0.5 - cell, up)
    return cell * columns
  }
  /** The same for a column. */
  const columnAt = (x: number) => {
    const cell = columns === 1 ? 0 : cellOf(x + 0.5, columns, pitchX)
    weightsOf(columns === 1 ? 0 : (x + 0.5) / pitchX - 0.5 - cell, along)
    return cell
  }
  /** Fills four lines of weights; gives the first column between each pair of meshes. */
  const weightsInto = (weights: Float32Array | Float64Array, stride: number) => {
    const first = allocate(Int32Array, Math.max(1, columns - 1) + 1).fill(width)
    let pair = -1
    for (let x = 0; x < width; x++) {
      const cell = columnAt(x)
      while (pair < cell) first[++pair] = x
      for (let k = 0; k < 4; k++) weights[k * stride + x] = along[k]
    }
    return first
  }
  const alongAt = (of: Float64Array, across: Float64Array, k: number) =>
    along[0] * of[k] + along[1] * of[k + nextColumn] + along[2] * across[k] + along[3] * across[k + nextColumn]
  return {
    columns,
    lines(y0, y1, target) {
      const name = target instanceof Float32Array ? 'surfaceLines' : 'surfaceLines64'
      const grid = [nodes.byteOffset, columns, rows, pitchY, high, classic ? 1 : 0] as const
      kernels()[name](...grid, y0, y1, target.byteOffset)
    },
    at(x, y) {
      const here = rowAt(Math.min(height - 1, Math.max(0, Math.round(y))))
      const k = here + columnAt(Math.min(width - 1, Math.max(0, Math.round(x))))
      return (
        up[0] * alongAt(value, valueAcross, k) +
        up[1] * alongAt(value, valueAcross, k + nextRow) +
        up[2] * alongAt(bend, bendAcross, k) +
        up[3] * alongAt(bend, bendAcross, k + nextRow)
      )
    },
    atAll(xs, ys) {
      return scoped(() => {
        const places = [xs, ys].map((of) => {
          const copy = allocate(Float64Array, of.length)
          copy.set(of)
          return copy.byteOffset
        }) as [number, number]
        const out = allocate(Float64Array, xs.length)
        const grid = [nodes.byteOffset, columns, rows, pitchX, pitchY, high, classic ? 1 : 0] as const
        kernels().surfaceAt(...grid, width, height, ...places, xs.length, out.byteOffset)
        return out.slice()
      })
    },
    across() {
      const weights = allocate(Float64Array, 4 * width)
      return { first: weightsInto(weights, width), weights }
    },
    alongRow() {
      const stride = Math.ceil((width + 3) / 16) * 16
      const weights = allocate(Float32Array, 4 * stride).fill(0)
      return { first: weightsInto(weights, stride), weights, stride }
    },
  }
}

/** Second derivatives of the splines along the rows of a map. */
function rowCurvature(
  map: Float64Array,
  columns: number,
  rows: number,
  curve: typeof splineCurvature,
  across: Float64Array,
): void {
  const scratch = new Float64Array(columns)
  for (let j = 0; j < rows; j++) {
    const row = [j * columns, (j + 1) * columns] as const
    curve(map.subarray(...row), across.subarray(...row), scratch)
  }
}

/** Second derivatives of the splines along the columns of a map. */
function columnCurvature(
  map: Float32Array,
  columns: number,
  rows: number,
  curve: typeof splineCurvature,
  bend: Float64Array,
): void {
  const [values, curvature, scratch] = [rows, rows, rows].map((n) => new Float64Array(n))
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < rows; j++) values[j] = map[j * columns + i]
    curve(values, curvature, scratch)
    for (let j = 0; j < rows; j++) bend[j * columns + i] = curvature[j]
  }
}

/** The whole surface as an image. */
export function expandSurface(surface: Surface, width: number, height: number, out?: Float32Array): Float32Array {
  const image = out ?? new Float32Array(width * height)
  return scoped(() => {
    const { columns } = surface
    const { first, weights } = surface.across()
    const lines = allocate(Float64Array, 2 * columns)
    const row = allocate(Float32Array, width)
    const curvatures = lines.byteOffset + 8 * columns
    const pairs = [columns > 1 ? 1 : 0, first.byteOffset, first.length - 1] as const
    for (let y = 0; y < height; y++) {
      surface.lines(y, y + 1, lines)
      kernels().splineRow(lines.byteOffset, curvatures, ...pairs, weights.byteOffset, width, row.byteOffset)
      image.set(row, y * width)
    }
    return image
  })
}
