import type { ComplexImage } from '@nightpipe/math'
import type { Imperfection, TileRowInput, TileRowOutput } from './strips.js'
import { pasteTile, type Strip, type Tile } from './tile.js'

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
  imperfection: Imperfection
}

/** Score and errors of a tile. Where a star stands, what it leaves for other reasons than noise counts as noise too. */
export function finishTile(tile: Tile, filtered: FilteredTile) {
  const { width, height, net, pad } = tile
  const { signals, white, variance, norm, scale, imperfection } = filtered
  const n = width * height
  const out = {
    difference: new Float32Array(n),
    error: new Float32Array(n),
    score: new Float32Array(n),
    fluxError: new Float32Array(n),
  }
  const { re: signal, im: stars } = signals
  const x2 = imperfection.shiftX ** 2 / 4
  const y2 = imperfection.shiftY ** 2 / 4
  const f2 = imperfection.relative ** 2
  for (let y = pad; y < pad + net.y1 - net.y0; y++) {
    for (let x = pad; x < pad + net.x1 - net.x0; x++) {
      const p = y * width + x
      const dx = stars[p + 1] - stars[p - 1]
      const dy = stars[p + width] - stars[p - width]
      const total = variance.re[p] + x2 * dx * dx + y2 * dy * dy + f2 * stars[p] * stars[p]
      const factor = scale ? scale(net.x0 + x - pad, net.y0 + y - pad) : 1
      const sigma = Math.sqrt(Math.max(total, 1e-30))
      out.difference[p] = factor * white[p]
      out.error[p] = Math.abs(factor) * Math.sqrt(Math.max(0, variance.im[p]))
      out.score[p] = (Math.sign(factor) * signal[p]) / sigma
      out.fluxError[p] = (Math.abs(factor) * sigma) / norm
    }
  }
  return out
}

const PLANES = ['difference', 'error', 'score', 'fluxError'] as const

/** Makes each tile of a row, and puts them side by side. */
export function rowOfTiles(
  { tiles, width }: TileRowInput,
  make: (tile: Tile, k: number) => Record<(typeof PLANES)[number], Float32Array>,
): TileRowOutput {
  const { y0, y1 } = tiles[0].net
  const plane = (): Strip => ({ width, firstRow: y0, pixels: new Float32Array((y1 - y0) * width) })
  const out = { difference: plane(), error: plane(), score: plane(), fluxError: plane() }
  tiles.forEach((tile, k) => {
    const made = make(tile, k)
    for (const name of PLANES) pasteTile(tile, made[name], out[name])
  })
  const { difference, error, score, fluxError } = out
  return {
    firstRow: y0,
    ...{ difference: difference.pixels, error: error.pixels, score: score.pixels, fluxError: fluxError.pixels },
  }
}
