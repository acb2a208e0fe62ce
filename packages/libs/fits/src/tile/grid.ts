import { TileError } from './error.js'

/** How an image is cut into tiles: the first axis varies fastest, for pixels within a tile and for tiles alike. */
export interface Grid {
  axes: number[]
  /** Size of a whole tile along each axis; those at the far edges may be smaller. */
  tile: number[]
  /** Number of tiles along each axis, and in all. */
  counts: number[]
  tiles: number
}

export interface Tile {
  index: number
  start: number[]
  size: number[]
  pixels: number
}

/** The largest tile that is decoded at once: 2^28 pixels, a 16384 x 16384 image as a single tile. */
const MOST_PIXELS = 2 ** 28

export function tileGrid(axes: number[], tile: number[]): Grid {
  const sizes = axes.map((length, k) => Math.min(Math.max(1, tile[k] ?? 1), Math.max(1, length)))
  const counts = axes.map((length, k) => Math.ceil(length / sizes[k]))
  const pixels = product(sizes)
  if (pixels > MOST_PIXELS) throw new TileError(`a tile of ${sizes.join('x')} pixels is too large`)
  return { axes, tile: sizes, counts, tiles: axes.length === 0 ? 0 : product(counts) }
}

export function tileAt(grid: Grid, index: number): Tile {
  const start: number[] = []
  const size: number[] = []
  let rest = index
  for (let k = 0; k < grid.axes.length; k++) {
    const place = rest % grid.counts[k]
    rest = (rest - place) / grid.counts[k]
    start.push(place * grid.tile[k])
    size.push(Math.min(grid.tile[k], grid.axes[k] - start[k]))
  }
  return { index, start, size, pixels: product(size) }
}

/**
 * Rows of the image count through all planes: row y of plane z is y + z * height. This is the number of the first row of
 * every line of the tile, in the order in which the lines lie in the tile.
 */
export function rowsOf(grid: Grid, tile: Tile): number[] {
  let rows = [0]
  let stride = 1
  for (let k = 1; k < grid.axes.length; k++) {
    const next: number[] = []
    for (let i = 0; i < tile.size[k]; i++) for (const row of rows) next.push(row + (tile.start[k] + i) * stride)
    rows = next
    stride *= grid.axes[k]
  }
  return rows
}

/** The band of tiles that holds a row: all tiles that differ along the first axis only. Its first tile's index. */
export function bandOf(grid: Grid, row: number): number {
  let band = 0
  let stride = grid.counts[0]
  let rest = row
  for (let k = 1; k < grid.axes.length; k++) {
    const place = rest % grid.axes[k]
    rest = (rest - place) / grid.axes[k]
    band += Math.floor(place / grid.tile[k]) * stride
    stride *= grid.counts[k]
  }
  return band
}

export function product(values: readonly number[]): number {
  return values.reduce((all, value) => all * value, 1)
}
