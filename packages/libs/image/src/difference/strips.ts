import type { KernelModel } from './kernel-model.js'
import type { SharedNoise } from './noise-spectrum.js'
import type { Tile } from './tile.js'

/** A part of the field with the point spread there: (2 half + 1)² values of sum 1, row by row. */
export interface TilePsf {
  values: Float64Array
}

/** One row of tiles of two images. Planes are whole; worker threads share them. */
export interface TileRowInput {
  width: number
  height: number
  tiles: Tile[]
  /** Free of sky; bad pixels filled in. */
  fresh: Float32Array
  reference: Float32Array
  freshVariance: Float32Array
  referenceVariance: Float32Array
  noise: SharedNoise
  /** Not 0 where the difference is not to be believed: it is 0 there for the score. */
  blank: Uint8Array
  /** Where the tiles are written. */
  planes: DifferencePlanes
}

/** What comes out, in the unit of the new image. */
export interface DifferencePlanes {
  difference: Float32Array
  error: Float32Array
  /** Significance of a point source at each pixel. */
  score: Float32Array
  /** Error of the flux of a point source at each pixel: score times it is its flux. */
  fluxError: Float32Array
  /** The stars themselves through the same filter: the flux of a point source at each pixel, before subtraction. */
  starFlux: Float32Array
}

/** Point spread in the difference, tile by tile: (2 half + 1)² values row by row, for a source of flux 1. */
export type TilePsfs = Float64Array[]

export interface AlardRowInput extends TileRowInput {
  method: 'alard'
  model: KernelModel
  /** Which image the kernel is applied to. */
  convolved: 'reference' | 'new'
  /** Point spread of the image that is not convolved, tile by tile. */
  psfs: TilePsf[]
  decorrelate: boolean
}

export interface ZogyRowInput extends TileRowInput {
  method: 'zogy'
  psfs: ZogySpreads[]
}

/** Point spreads of both images in a tile, on squares that need not be alike. */
export interface ZogySpreads {
  fresh: Float64Array
  reference: Float64Array
  /** Flux in the reference over flux in the new image. */
  ratio: number
  /** That of which the other is a convolution, where one is: the difference then goes without its phase. */
  sharper?: 'fresh' | 'reference'
}
