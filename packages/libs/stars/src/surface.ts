import { splineCurvature, splineWeights } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'
import type { SkyMesh } from './background.js'

/** A map on a coarse grid of meshes, spread over an image by a bicubic spline, as kernels and lookups want it. */
export interface Surface {
  columns: number
  /** Writes values and curvatures of rows y0 to y1: the `lines` of the kernels of assembly/detect.ts. */
  lines(y0: number, y1: number, target: Float32Array): void
  /** The value at a pixel. */
  at(x: number, y: number): number
  /** The weights of the meshes along a row, in kernel memory: valid as long as the caller's `scoped`. */
  alongRow(): { first: Int32Array; weights: Float32Array; stride: number }
}

/** Between which two of `n` meshes a place lies, and how far on; the first pixel is from 0 to 1. */
function cellOf(x: number, n: number, pitch: number): { cell: number; fraction: number } {
  if (n === 1) return { cell: 0, fraction: 0 }
  const t = x / pitch - 0.5
  const cell = Math.min(n - 2, Math.max(0, Math.floor(t)))
  return { cell, fraction: t - cell }
}

/** The cubic itself, beyond the outermost meshes too, where `splineWeights` goes on straight. */
function cubicWeights(b: number): [number, number, number, number] {
  const a = 1 - b
  return [a, b, (a * a * a - a) / 6, (b * b * b - b) / 6]
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

/** The spline surface through a map of meshes over an image; `classic` lets its cubics go on to the edge. */
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
  const bend = columnCurvature(map, columns, rows, curve)
  const nodes = [Float64Array.from(map), bend].map((of) => ({ of, across: rowCurvature(of, columns, rows, curve) }))
  const rowWeights = (y: number) => {
    const { cell, fraction } = cellOf(y + high, rows, pitchY)
    const here = cell * columns
    return { weights: weightsOf(fraction), here, next: rows === 1 ? here : here + columns }
  }
  return {
    columns,
    lines(y0, y1, target) {
      const [values, bends] = nodes
      for (let y = y0, k = 0; y < y1; y++, k += 2 * columns) {
        const { weights, here, next } = rowWeights(y)
        const [a, b, c, d] = weights
        for (let i = 0; i < columns; i++) {
          target[k + i] =
            a * values.of[here + i] + b * values.of[next + i] + c * bends.of[here + i] + d * bends.of[next + i]
          target[k + columns + i] =
            a * values.across[here + i] +
            b * values.across[next + i] +
            c * bends.across[here + i] +
            d * bends.across[next + i]
        }
      }
    },
    at(x, y) {
      const { weights, here, next } = rowWeights(Math.min(height - 1, Math.max(0, Math.round(y))))
      const { cell, fraction } = cellOf(Math.min(width - 1, Math.max(0, Math.round(x))) + 0.5, columns, pitchX)
      const along = weightsOf(fraction)
      const right = Math.min(cell + 1, columns - 1)
      const [values, bends] = nodes
      const at = (row: number, { of, across }: { of: Float64Array; across: Float64Array }) =>
        along[0] * of[row + cell] +
        along[1] * of[row + right] +
        along[2] * across[row + cell] +
        along[3] * across[row + right]
      return (
        weights[0] * at(here, values) +
        weights[1] * at(next, values) +
        weights[2] * at(here, bends) +
        weights[3] * at(next, bends)
      )
    },
    alongRow() {
      const stride = Math.ceil((width + 3) / 16) * 16
      const pairs = Math.max(1, columns - 1)
      const first = allocate(Int32Array, pairs + 1).fill(width)
      const weights = allocate(Float32Array, 4 * stride).fill(0)
      let pair = -1
      for (let x = 0; x < width; x++) {
        const { cell, fraction } = cellOf(x + 0.5, columns, pitchX)
        while (pair < cell) first[++pair] = x
        const four = weightsOf(fraction)
        for (let k = 0; k < 4; k++) weights[k * stride + x] = four[k]
      }
      return { first, weights, stride }
    },
  }
}

/** Second derivatives of the splines along the rows of a map. */
function rowCurvature(map: Float64Array, columns: number, rows: number, curve: typeof splineCurvature): Float64Array {
  const across = new Float64Array(columns * rows)
  const scratch = new Float64Array(columns)
  for (let j = 0; j < rows; j++) {
    const row = [j * columns, (j + 1) * columns] as const
    curve(map.subarray(...row), across.subarray(...row), scratch)
  }
  return across
}

/** Second derivatives of the splines along the columns of a map. */
function columnCurvature(
  map: Float32Array,
  columns: number,
  rows: number,
  curve: typeof splineCurvature,
): Float64Array {
  const bend = new Float64Array(columns * rows)
  const [values, curvature, scratch] = [rows, rows, rows].map((n) => new Float64Array(n))
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < rows; j++) values[j] = map[j * columns + i]
    curve(values, curvature, scratch)
    for (let j = 0; j < rows; j++) bend[j * columns + i] = curvature[j]
  }
  return bend
}

/** The whole surface as an image. */
export function expandSurface(surface: Surface, width: number, height: number): Float32Array {
  const image = new Float32Array(width * height)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) image[y * width + x] = surface.at(x, y)
  return image
}
