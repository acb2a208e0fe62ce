import { allocate, scoped, together } from '@nightpipe/kernels'
import { edgeFactors, type SeparableFilter } from './matched-filter.js'
import type { Surface } from './surface.js'

/** Rows of neighbouring pixels above a limit, row by row, with their filtered values one after the other. */
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
  const pile = newPile(y1 - y0)
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
        const counts = together(
          strips.map(({ y, rows, rowStart, runs, values }) => {
            const lines = allocate(Float32Array, rows * 2 * noise.columns)
            noise.lines(y, y + rows, lines)
            const edgeY = allocate(Float32Array, rows)
            edgeY.set(edges.subarray(y, y + rows))
            const ring = allocate(Float32Array, (terms * taps + 3) * stride + 2 * half + 32)
            return [
              ...(['detectRows', image.byteOffset, width, height, y, y + rows, terms, half] as const),
              ...([across.byteOffset, along.byteOffset, lines.byteOffset, noise.columns, first.byteOffset] as const),
              ...([weights.byteOffset, stride, edgeX.byteOffset, edgeY.byteOffset, ring.byteOffset] as const),
              ...([rowStart.byteOffset, runs.byteOffset, values.byteOffset] as const),
            ]
          }),
        )
        strips.forEach(({ y, rows, rowStart, runs, values }, k) => {
          add(pile, y - y0, rows, rowStart, runs, values.subarray(0, counts[k]))
        })
      })
    }
  })
  return { ...pile, bounds: pile.bounds.subarray(0, 2 * pile.count), values: pile.values.subarray(0, pile.valueCount) }
}

/** Rows y0 to y1 in strips, with room for the most that can be found in each: memory that nobody touches costs nothing. */
const stripsOf = (y0: number, y1: number, width: number) =>
  Array.from({ length: Math.ceil((y1 - y0) / ROWS) }, (_, k) => {
    const y = y0 + k * ROWS
    const rows = Math.min(ROWS, y1 - y)
    const [rowStart, runs] = [allocate(Int32Array, rows + 1), allocate(Int32Array, rows * (width + 2))]
    return { y, rows, rowStart, runs, values: allocate(Float32Array, rows * width) }
  })

/** Runs that grow strip by strip. */
interface Pile extends Runs {
  valueCount: number
}

const newPile = (rows: number): Pile => ({
  ...{ count: 0, valueCount: 0, bounds: new Int32Array(8192), values: new Float32Array(32768) },
  row: new Int32Array(rows + 1),
})

function add(pile: Pile, y: number, rows: number, rowStart: Int32Array, runs: Int32Array, values: Float32Array): void {
  const count = rowStart[rows]
  pile.bounds = withRoom(pile.bounds, 2 * pile.count, 2 * count)
  pile.values = withRoom(pile.values, pile.valueCount, values.length)
  for (let k = 0; k <= rows; k++) pile.row[y + k] = pile.count + rowStart[k]
  pile.bounds.set(runs.subarray(0, 2 * count), 2 * pile.count)
  pile.values.set(values, pile.valueCount)
  pile.count += count
  pile.valueCount += values.length
}

function withRoom<T extends Int32Array | Float32Array>(array: T, used: number, more: number): T {
  if (used + more <= array.length) return array
  const larger = new (array.constructor as { new (n: number): T })(Math.max(2 * array.length, used + more))
  larger.set(array.subarray(0, used))
  return larger
}
