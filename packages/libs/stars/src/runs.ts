import { allocate, handOver, scoped, settle } from '@nightpipe/kernels'
import { edgeFactors, type SeparableFilter } from './matched-filter.js'
import type { Surface } from './surface.js'

/** Rows of neighbouring pixels above a limit, row by row, with their filtered values one after the other: in kernel memory. */
export interface Runs {
  count: number
  /** Of each run the first pixel, and one after the last. */
  bounds: Int32Array
  values: Float32Array
  /** The first run of each row, and the number of all after the last row. */
  row: Int32Array
}

/** Rows of a call, and calls whose scratch memory there is at once. */
const ROWS = 128
const CALLS = 8

/** The runs of pixels that stand `threshold` times the noise above zero when the image is filtered; rows y0 to y1. */
export function findRuns(
  image: Float32Array,
  width: number,
  height: number,
  filter: SeparableFilter,
  noise: Surface,
  threshold: number,
  [y0, y1]: readonly [number, number] = [0, height],
): Runs {
  const parts: Part[] = []
  scoped(() => {
    const { first, weights, stride } = noise.alongRow()
    const { terms, half } = filter
    const taps = 2 * half + 1
    const across = allocate(Float32Array, terms * taps)
    const along = allocate(Float32Array, terms * taps)
    across.set(filter.across)
    along.set(filter.along)
    const edgeX = allocate(Float32Array, stride).fill(threshold * filter.noise)
    const edges = new Float32Array(height).fill(1)
    if (!filter.even) {
      edgeFactors(filter.across, half, width, threshold * filter.noise, edgeX)
      edgeFactors(filter.along, half, height, 1, edges)
    }
    for (let start = y0; start < y1; start += CALLS * ROWS) {
      scoped(() => {
        const strips = stripsOf(start, Math.min(y1, start + CALLS * ROWS), width)
        for (const { y, rows, rowStart, runs, values } of strips) {
          const lines = allocate(Float32Array, rows * 2 * noise.columns)
          noise.lines(y, y + rows, lines)
          const edgeY = allocate(Float32Array, rows)
          edgeY.set(edges.subarray(y, y + rows))
          const ring = allocate(Float32Array, (terms * taps + 3) * stride + 2 * half + 32)
          handOver([
            ...(['detectRows', image.byteOffset, width, height, y, y + rows, terms, half] as const),
            ...([across.byteOffset, along.byteOffset, lines.byteOffset, noise.columns, first.byteOffset] as const),
            ...([weights.byteOffset, stride, edgeX.byteOffset, edgeY.byteOffset, ring.byteOffset] as const),
            ...([rowStart.byteOffset, runs.byteOffset, values.byteOffset] as const),
          ])
        }
        const counts = settle()
        strips.forEach(({ y, rows, rowStart, runs, values }, k) => {
          const [bounds, found] = [runs.slice(0, 2 * rowStart[rows]), values.slice(0, counts[k])]
          parts.push({ y, rowStart: rowStart.slice(), bounds, values: found })
        })
      })
    }
  })
  return joined(parts, y0, y1)
}

/** Rows y0 to y1 in strips, with room for the most that can be found in each: memory that nobody touches costs nothing. */
const stripsOf = (y0: number, y1: number, width: number) =>
  Array.from({ length: Math.ceil((y1 - y0) / ROWS) }, (_, k) => {
    const y = y0 + k * ROWS
    const rows = Math.min(ROWS, y1 - y)
    const [rowStart, runs] = [allocate(Int32Array, rows + 1), allocate(Int32Array, rows * (width + 2))]
    return { y, rows, rowStart, runs, values: allocate(Float32Array, rows * width) }
  })

/** Of a strip the runs and values, and how many runs there are before each row and after the last. */
interface Part {
  y: number
  rowStart: Int32Array
  bounds: Int32Array
  values: Float32Array
}

/** The runs of all strips one after the other, in kernel memory. */
function joined(parts: readonly Part[], y0: number, y1: number): Runs {
  const total = (of: (part: Part) => number) => parts.reduce((sum, part) => sum + of(part), 0)
  const [bounds, values] = [
    allocate(
      Int32Array,
      total((part) => part.bounds.length),
    ),
    allocate(
      Float32Array,
      total((part) => part.values.length),
    ),
  ]
  const row = allocate(Int32Array, y1 - y0 + 1).fill(0)
  let [runs, pixels] = [0, 0]
  for (const part of parts) {
    bounds.set(part.bounds, 2 * runs)
    values.set(part.values, pixels)
    part.rowStart.forEach((start, k) => {
      row[part.y - y0 + k] = runs + start
    })
    runs += part.bounds.length / 2
    pixels += part.values.length
  }
  return { count: runs, bounds, values, row }
}
