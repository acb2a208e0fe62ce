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

/** The largest tile that is decoded at once: an image of 11585 x 11585 pixels whole. More may not fit in 4 GiB. */
const MOST_PIXELS = 2 ** 27

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

export interface Runs {
  /** The first row of the first run, the number of rows in each, and the number of runs. */
  row: number
  count: number
  runs: number
  /** The axes up to this one lie within a run. */
  inner: number
}

/**
 * The lines of a tile by runs that follow one another in the image too. Rows of the image count through all planes: row
 * y of plane z is y + z * height. Axes that the tile fills, and the one after them, make one run.
 */
export function runsOf({ axes }: Grid, tile: Tile): Runs {
  let inner = 1
  while (inner < axes.length - 1 && tile.size[inner] === axes[inner]) inner++
  let row = 0
  let stride = 1
  for (let k = 1; k < axes.length; k++) {
    row += tile.start[k] * stride
    stride *= axes[k]
  }
  return { row, count: product(tile.size.slice(1, inner + 1)), runs: product(tile.size.slice(inner + 1)), inner }
}

/** `use` gets the first row of each run, the number of its rows, and the line of the tile where it begins. */
export function eachRun(grid: Grid, tile: Tile, use: (row: number, count: number, line: number) => void): void {
  const { axes } = grid
  const { row: first, count, runs, inner } = runsOf(grid, tile)
  for (let run = 0; run < runs; run++) {
    let row = first
    let rest = run
    let step = product(axes.slice(1, inner + 1))
    for (let k = inner + 1; k < axes.length; k++) {
      const place = rest % tile.size[k]
      rest = (rest - place) / tile.size[k]
      row += place * step
      step *= axes[k]
    }
    use(row, count, run * count)
  }
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
