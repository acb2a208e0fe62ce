import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { ComplexImage } from '@nightpipe/math'
import type { DifferencePlanes, TilePsfs, TileRowInput } from './strips.js'
import type { Tile } from './tile.js'

export interface FilteredTile {
  /** Real part: the difference through the matched filter; imaginary part: the image with its stars through it. */
  signals: ComplexImage
  white: Float32Array
  /** Real part: the variance of the filtered difference; imaginary part: that of the difference. */
  variance: ComplexImage
  /** What a source of flux 1 gives in the filtered difference. */
  norm: number
  /** By what the difference must be multiplied at a place to be new minus reference. */
  scale?: (x: number, y: number) => number
  psf: Float64Array
}

const PLANES = ['difference', 'error', 'score', 'fluxError', 'starFlux'] as const

/** Score and errors of a tile, in the unit of the new image, to where they belong. What was filtered is in kernel memory. */
function finishTile(tile: Tile, filtered: FilteredTile, out: DifferencePlanes, imageWidth: number): void {
  const { net, pad, width } = tile
  const { signals, white, variance, norm, scale } = filtered
  const n = net.x1 - net.x0
  const row = allocate(Float32Array, PLANES.length * n)
  const parts = PLANES.map((_, k) => row.subarray(k * n, (k + 1) * n))
  const factors = scale && allocate(Float64Array, n)
  for (let y = net.y0; y < net.y1; y++) {
    if (scale) for (let x = 0; x < n; x++) factors![x] = scale(net.x0 + x, y)
    const at = 4 * ((y - net.y0 + pad) * width + pad)
    kernels().finishTileRow(
      ...([white.byteOffset + at, signals.re.byteOffset + at, signals.im.byteOffset + at] as const),
      ...([variance.re.byteOffset + at, variance.im.byteOffset + at, factors?.byteOffset ?? 0] as const),
      ...([norm, n, row.byteOffset, n] as const),
    )
    const to = y * imageWidth + net.x0
    for (let k = 0; k < PLANES.length; k++) out[PLANES[k]!].set(parts[k]!, to)
  }
}

/** Makes each tile of a row, and writes it where it belongs. */
export function rowOfTiles(
  { tiles, width, planes }: TileRowInput,
  make: (tile: Tile, k: number) => FilteredTile,
): TilePsfs {
  return tiles.map((tile, k) =>
    scoped(() => {
      const filtered = make(tile, k)
      finishTile(tile, filtered, planes, width)
      return filtered.psf
    }),
  )
}
