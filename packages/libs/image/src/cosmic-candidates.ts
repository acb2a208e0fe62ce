import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { CosmicWork } from './cosmic-work.js'

/** Tiles of the kernels. */
const TILE_WIDTH = 64
const TILE_HEIGHT = 16

/**
 * Every pixel whose Laplacian can exceed `significance` times twice its noise, and some more; ascending. The noise is a
 * median of errors, and so not below the smallest error of the tile or a tile beside it.
 */
export function candidates(work: CosmicWork, significance: number): Int32Array {
  const { pixels, width, height } = work
  const columns = Math.ceil(width / TILE_WIDTH)
  const rows = Math.ceil(height / TILE_HEIGHT)
  const inside = scoped(() => {
    const { sharpPixels, tileMinima } = kernels()
    const least = allocate(Float32Array, columns * rows)
    tileMinima(work.error.byteOffset, width, height, columns, least.byteOffset)
    const limits = allocate(Float32Array, columns * rows)
    // A hair lower: the kernel counts in float32, the test that decides in float64.
    limits.set(leastAround(least, columns, rows).map((floor) => 0.9999 * 2 * significance * floor))
    const find = (room: number) => {
      const found = allocate(Int32Array, room)
      const args = [pixels.byteOffset, width, height, 0, height, limits.byteOffset, columns] as const
      const count = sharpPixels(...args, found.byteOffset, room)
      return { found, count }
    }
    const first = find(Math.ceil(pixels.length / 16) + 64)
    const { found, count } = first.count > first.found.length ? find(first.count) : first
    return found.slice(0, count)
  })
  const ring = edgePixels(width, height)
  const all = new Int32Array(inside.length + ring.length)
  all.set(inside)
  all.set(ring, inside.length)
  return all.sort()
}

function leastAround(values: Float32Array, columns: number, rows: number): Float32Array {
  return values.map((_, m) => {
    const i = m % columns
    const j = Math.floor(m / columns)
    let least = Number.POSITIVE_INFINITY
    for (let v = Math.max(0, j - 1); v <= Math.min(rows - 1, j + 1); v++) {
      for (let u = Math.max(0, i - 1); u <= Math.min(columns - 1, i + 1); u++) {
        least = Math.min(least, values[v * columns + u])
      }
    }
    return least
  })
}

/** The outermost pixels, which the kernel leaves out. */
function edgePixels(width: number, height: number): number[] {
  const ring = new Set<number>()
  for (let x = 0; x < width; x++) ring.add(x).add((height - 1) * width + x)
  for (let y = 0; y < height; y++) ring.add(y * width).add(y * width + width - 1)
  return [...ring]
}
