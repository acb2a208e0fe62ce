import type { Frame } from '@nightpipe/image'
import { allocate, allocateBytes, kernels, scoped, together } from '@nightpipe/kernels'
import { lentPart } from './net.js'

/** Bins of the histograms, a fiftieth of the noise, are so much wider than SExtractor's: as good, and quicker. */
const COARSE = 8
/** Rows of meshes that threads share out among them. */
const ROWS_AT_ONCE = 32

/** Level and noise of the sky on a coarse grid of meshes. */
export interface SkyMesh {
  columns: number
  rows: number
  /** Side of a mesh, px; the last ones may be smaller. */
  pitchX: number
  pitchY: number
  level: Float32Array
  rms: Float32Array
}

export interface SkyMeshOptions {
  /** Side of a mesh, px, and of the median filter over the meshes (odd; 1: none). */
  mesh: number
  filter: number
  maskBits: number
  /** Meshes of exactly `mesh` pixels, edges of the filter as SExtractor has them. */
  classic: boolean
}

/**
 * Level and noise of the sky by meshes, from the clipped histogram of the pixels of each (Bertin & Arnouts 1996, A&AS 117,
 * 393): the mode, 2.5 median - 1.5 mean, or the median where stars crowd. Meshes with under half of their pixels good take
 * the mean of the nearest; a median filter takes out bright stars.
 */
export function skyMesh({ pixels, mask, width, height }: Frame, options: SkyMeshOptions): SkyMesh {
  const { mesh, filter, maskBits, classic } = options
  const columns = classic ? Math.ceil(width / mesh) : Math.max(1, Math.round(width / mesh))
  const rows = classic ? Math.ceil(height / mesh) : Math.max(1, Math.round(height / mesh))
  const [pitchX, pitchY] = classic ? [mesh, mesh] : [width / columns, height / rows]
  const level = new Float32Array(columns * rows)
  const rms = new Float32Array(columns * rows)
  for (let j = 0; j < rows; j += ROWS_AT_ONCE) {
    scoped(() => {
      const all = Array.from({ length: Math.min(ROWS_AT_ONCE, rows - j) }, (_, k) => {
        const y0 = Math.floor((j + k) * pitchY)
        const y1 = Math.min(height, Math.floor((j + k + 1) * pitchY))
        const part = lentPart(pixels, y0 * width, (y1 - y0) * width)!
        const bits = lentPart(mask, y0 * width, (y1 - y0) * width)
        const scratch = allocate(Float32Array, 4100 + (Math.ceil(pitchX) + 4) * (y1 - y0) + 16)
        const results = allocate(Float64Array, 3 * columns)
        return { part, bits, rows: y1 - y0, scratch, results }
      })
      together(
        all.map((row) => [
          ...(['histogramMeshes', row.part.byteOffset, row.bits?.byteOffset ?? 0, maskBits, width, row.rows] as const),
          ...([pitchX, columns, classic ? 1 : COARSE, row.scratch.byteOffset, row.results.byteOffset] as const),
        ]),
      )
      all.forEach(({ results }, k) => {
        for (let i = 0, m = (j + k) * columns; i < columns; i++, m++) {
          const enough = results[3 * i + 2] >= 0.5
          level[m] = enough ? results[3 * i] : Number.NaN
          rms[m] = enough ? results[3 * i + 1] : Number.NaN
        }
      })
    })
  }
  const map = (values: Float32Array) =>
    scoped(() => filterMap(fillMap(values, columns), columns, rows, filter, classic))
  return { columns, rows, pitchX, pitchY, level: map(level), rms: map(rms) }
}

/** Puts the mean of the nearest good meshes where a mesh has no value. */
function fillMap(values: Float32Array, columns: number): Float32Array {
  const filled = Float32Array.from(values)
  for (let m = 0; m < values.length; m++) {
    if (!Number.isNaN(values[m])) continue
    let nearest = Number.POSITIVE_INFINITY
    let total = 0
    let count = 0
    for (let k = 0; k < values.length; k++) {
      if (Number.isNaN(values[k])) continue
      const distance = ((k % columns) - (m % columns)) ** 2 + (Math.floor(k / columns) - Math.floor(m / columns)) ** 2
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
 * The median of `size` x `size` meshes about each. Beyond the edge the map goes on as its mirror image turned upside
 * down, so that a slope stays a slope; or, classic, the window shrinks so that it stays centred.
 */
function filterMap(values: Float32Array, columns: number, rows: number, size: number, classic: boolean): Float32Array {
  const half = (size - 1) / 2
  if (half === 0) return values
  const wide = columns + 2 * half
  const out = allocate(Float32Array, values.length)
  const border = allocate(Float64Array, wide * (rows + 2 * half)).fill(0)
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) border[(j + half) * wide + i + half] = values[j * columns + i]
  }
  for (let j = 0; j < rows; j++) mirrorEnds(border, (j + half) * wide + half, 1, columns, half)
  for (let i = 0; i < wide; i++) mirrorEnds(border, half * wide + i, wide, rows, half)
  kernels().medianMap(
    ...([border.byteOffset, columns, rows, half, classic ? 1 : 0] as const),
    ...([allocateBytes(8 * size * size), out.byteOffset] as const),
  )
  return out.slice()
}

/** Continues `n` values from place `first` on, `step` apart, beyond both ends. */
function mirrorEnds(values: Float64Array, first: number, step: number, n: number, half: number): void {
  const last = first + (n - 1) * step
  for (let k = 1; k <= half; k++) {
    const inside = Math.min(k, n - 1) * step
    values[first - k * step] = 2 * values[first] - values[first + inside]
    values[last + k * step] = 2 * values[last] - values[last - inside]
  }
}
