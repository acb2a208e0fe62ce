import { allocate, scoped } from '@nightpipe/kernels'
import type { ComplexImage } from '@nightpipe/math'
import type { TileRowInput, TileRowOutput } from './strips.js'
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
  psf: Float64Array
}

const PLANES = ['difference', 'error', 'score', 'fluxError', 'starFlux'] as const
export type TilePlanes = Record<(typeof PLANES)[number], Float32Array> & { psf: Float64Array }

/** Score and errors of a tile, in the unit of the new image. */
export function finishTile({ width, height, net, pad }: Tile, filtered: FilteredTile): TilePlanes {
  const { signals, white, variance, norm, scale, psf } = filtered
  const plane = () => allocate(Float32Array, width * height)
  const out = { difference: plane(), error: plane(), score: plane(), fluxError: plane(), starFlux: plane(), psf }
  for (let y = pad; y < pad + net.y1 - net.y0; y++) {
    for (let x = pad; x < pad + net.x1 - net.x0; x++) {
      const p = y * width + x
      const factor = scale ? scale(net.x0 + x - pad, net.y0 + y - pad) : 1
      const sigma = Math.sqrt(Math.max(variance.re[p], 1e-30))
      out.difference[p] = factor * white[p]
      out.error[p] = Math.abs(factor) * Math.sqrt(Math.max(0, variance.im[p]))
      out.score[p] = (Math.sign(factor) * signals.re[p]) / sigma
      out.fluxError[p] = (Math.abs(factor) * sigma) / norm
      out.starFlux[p] = (Math.abs(factor) * signals.im[p]) / norm
    }
  }
  return out
}

/** Makes each tile of a row, and puts them side by side. */
export function rowOfTiles({ tiles, width }: TileRowInput, make: (tile: Tile, k: number) => TilePlanes): TileRowOutput {
  const { y0, y1 } = tiles[0].net
  const plane = (): Strip => ({ width, firstRow: y0, pixels: new Float32Array((y1 - y0) * width) })
  const out = { difference: plane(), error: plane(), score: plane(), fluxError: plane(), starFlux: plane() }
  const psfs = tiles.map((tile, k) => {
    return scoped(() => {
      const made = make(tile, k)
      for (const name of PLANES) pasteTile(tile, made[name], out[name])
      return made.psf
    })
  })
  const { difference, error, score, fluxError, starFlux } = out
  return {
    ...{ firstRow: y0, difference: difference.pixels, error: error.pixels, score: score.pixels },
    ...{ fluxError: fluxError.pixels, starFlux: starFlux.pixels, psfs },
  }
}
