import { power } from '@nightpipe/math'

/** How the noises of two images hang together: of each with itself from pixel to pixel, and of the two with each other. */
export interface SharedNoise {
  /** Noise of large sums over that of pixels: 1 for a frame as the camera gave it, more once it was interpolated. */
  fresh: number
  reference: number
  /** Likewise what bringing the reference onto the grid of the new frame did to it; 1 where it was not interpolated. */
  moved: number
  /** The part of the noise of the new frame that is in the reference, as in a stack that holds the frame; else 0. */
  share: number
  /** That part was interpolated twice, by the same part of a pixel there and back, as the reference was once. */
  returned: boolean
}

/**
 * Where the noise of a difference comes from, frequency by frequency. A noise n of the new frame and an independent one m
 * of the reference, both white and of the variances of their pixels, are in the images as `fresh` n and
 * `common` `fresh` n + `own` m. All are real: nothing is shifted.
 */
export interface NoiseSpectra {
  fresh: Float32Array
  common: Float32Array
  own: Float32Array
}

/** Lanczos interpolation half way between pixels, where it smooths most. */
const HALF_WAY = [0.6109, -0.1352, 0.0243]
/** No noise is taken to be smaller than this part of what white noise would be: an interpolated image is not mute. */
const LEAST = 0.02

/** True where noise is white and belongs to one image only. */
export const isPlain = ({ fresh, reference, moved, share }: SharedNoise): boolean =>
  fresh <= 1 && reference <= 1 && moved <= 1 && share === 0

/**
 * The power of noise along one axis of a grid of n pixels, 1 on the mean. An interpolated image is taken as a mixture of
 * one that was not moved at all and of one moved by half a pixel, such that sums have the noise that is told of it; one
 * of which more is told as moved like that more than once.
 */
export function powerAlong(n: number, factor: number): Float64Array {
  const response = Float64Array.from({ length: n }, (_, k) =>
    HALF_WAY.reduce((sum, tap, j) => sum + 2 * tap * Math.cos((2 * Math.PI * (j + 0.5) * k) / n), 0),
  )
  const most = response[0]! ** 2 / mean(response.map((value) => value * value))
  const part = Math.min(1, Math.max(0, (factor - 1) / (most - 1)))
  const times = Math.max(1, Math.log(factor) / Math.log(most))
  const moved = response.map((value) => power(value * value, times))
  const level = mean(moved)
  return moved.map((value) => Math.max(LEAST, 1 - part + (part * value) / level))
}

const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * The spectra on the grid of a tile; `variance` is that of a typical pixel of each image. Errors that were interpolated
 * count the second interpolation of a stack as if its pixels were independent: large sums are right then, but what is
 * smooth already loses less, and its pixels have more noise than their errors say. The product of the two powers has both.
 */
export function noiseSpectra(
  noise: SharedNoise,
  variance: { fresh: number; reference: number },
  width: number,
  height: number,
): NoiseSpectra {
  const plane = () => new Float32Array(width * height)
  const spectra = { fresh: plane(), common: plane(), own: plane() }
  const along = (factor: number) => [powerAlong(width, factor), powerAlong(height, factor)] as const
  const [ofFresh, ofReference, ofMove] = [along(noise.fresh), along(noise.reference), along(noise.moved)]
  const ofAll = ofMove[0][0]! * ofMove[1][0]!
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x
      const fresh = ofFresh[0][x]! * ofFresh[1][y]!
      const move = ofMove[0][x]! * ofMove[1][y]!
      const reference = ofReference[0][x]! * ofReference[1][y]! * move
      // the power of one way is the amplitude of there and back
      const common = noise.share * (noise.returned ? move / ofAll : Math.sqrt(move / ofAll))
      const rest = reference - (common * common * fresh * variance.fresh) / variance.reference
      spectra.fresh[p] = Math.sqrt(fresh)
      spectra.common[p] = common
      spectra.own[p] = Math.sqrt(Math.max(LEAST * reference, rest))
    }
  }
  return spectra
}
