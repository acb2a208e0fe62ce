import { splineCurvature, splineWeights } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'

/** A map on a coarse grid of meshes, spread over an image by a bicubic spline, as kernels and lookups want it. */
export interface Surface {
  columns: number
  /** Writes values and curvatures of rows y0 to y1: the `lines` of the kernels of assembly/detect.ts. */
  lines(y0: number, y1: number, target: Float32Array): void
  /** The value at a pixel. */
  at(x: number, y: number): number
}

/** What the surfaces of one image have in common, in kernel memory: valid as long as the caller's `scoped`. */
export interface SurfaceColumns {
  first: Int32Array
  weights: Float32Array
  /** Floats in a padded row of the image. */
  stride: number
}

export const paddedRow = (width: number) => Math.ceil((width + 3) / 16) * 16

/** The weights of the meshes along a row of the image, at each pixel. */
export function surfaceColumns(columns: number, width: number): SurfaceColumns {
  const pairs = Math.max(1, columns - 1)
  const stride = paddedRow(width)
  const first = allocate(Int32Array, pairs + 1).fill(0)
  const weights = allocate(Float32Array, 4 * stride).fill(0)
  for (let x = 0; x < width; x++) {
    const { cell, fraction } = cellOf(x, columns, width)
    for (let i = cell + 1; i <= pairs; i++) first[i] = x + 1
    const four = splineWeights(fraction)
    for (let k = 0; k < 4; k++) weights[k * stride + x] = four[k]
  }
  return { first, weights, stride }
}

/** Between which two of `n` meshes a pixel lies, and how far on. */
function cellOf(x: number, n: number, size: number): { cell: number; fraction: number } {
  if (n === 1) return { cell: 0, fraction: 0 }
  const t = ((x + 0.5) * n) / size - 0.5
  const cell = Math.min(n - 2, Math.max(0, Math.floor(t)))
  return { cell, fraction: t - cell }
}

/** The spline surface through a map of `columns` x `rows` meshes over an image. */
export function makeSurface(map: Float32Array, columns: number, rows: number, width: number, height: number): Surface {
  const bend = new Float64Array(columns * rows)
  const [values, curvature, scratch] = [rows, rows, rows].map((n) => new Float64Array(n))
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < rows; j++) values[j] = map[j * columns + i]
    splineCurvature(values, curvature, scratch)
    for (let j = 0; j < rows; j++) bend[j * columns + i] = curvature[j]
  }
  const [line, lineBend, room] = [columns, columns, columns].map((n) => new Float64Array(n))
  const fillLine = (y: number) => {
    const { cell, fraction } = cellOf(y, rows, height)
    const [a, b, c, d] = splineWeights(fraction)
    const here = cell * columns
    const next = rows === 1 ? here : here + columns
    for (let i = 0; i < columns; i++) {
      line[i] = a * map[here + i] + b * map[next + i] + c * bend[here + i] + d * bend[next + i]
    }
    splineCurvature(line, lineBend, room)
  }
  return {
    columns,
    lines(y0, y1, target) {
      for (let y = y0, k = 0; y < y1; y++, k += 2 * columns) {
        fillLine(y)
        target.set(line, k)
        target.set(lineBend, k + columns)
      }
    },
    at(x, y) {
      fillLine(Math.min(height - 1, Math.max(0, Math.round(y))))
      const { cell, fraction } = cellOf(Math.min(width - 1, Math.max(0, Math.round(x))), columns, width)
      const [a, b, c, d] = splineWeights(fraction)
      const next = Math.min(cell + 1, columns - 1)
      return a * line[cell] + b * line[next] + c * lineBend[cell] + d * lineBend[next]
    },
  }
}
