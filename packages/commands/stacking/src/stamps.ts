import { type SkyMap, skyAt } from '@nightpipe/image'
import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import type { BrightImage } from '@nightpipe/registration'

/** The surroundings of the stars of a frame, one square above the other. They lie in memory that all threads see. */
export interface Stamps {
  /** Half of the side of a square, without the pixel in its middle. */
  half: number
  pixels: Float32Array
  mask?: Int16Array
  /** Pixels from here on are saturated. */
  saturation: number
  /** Of the sky at each star. */
  level: Float64Array
}

const NO_DATA = 8

export const sideOf = (half: number) => 2 * half + 1

/** What the stamps of so many stars take. */
export const bytesOfStamps = (stars: number, reach: number) => 6 * Math.max(1, stars) * sideOf(Math.ceil(reach)) ** 2

/** Squares about places of an image, as far as `reach`. What is beyond the image is NaN, and masked. */
export function cutStamps(
  { pixels, mask, width, height }: BrightImage,
  { x, y }: { x: Float64Array; y: Float64Array },
  { reach, saturation = Number.POSITIVE_INFINITY, sky }: { reach: number; saturation?: number; sky: SkyMap },
): Stamps {
  const half = Math.ceil(reach)
  const side = sideOf(half)
  const n = x.length * side * side
  const level = Float64Array.from(x, (u, k) => skyAt(sky, sky.level, u, y[k]))
  return scoped(() => {
    const [lefts, tops] = [x, y].map((at) => lent(Int32Array.from(at, (value) => Math.round(value) - half)))
    const cut = <T extends Float32Array | Int16Array>(source: T, into: T): T => {
      kernels().cutSquares(
        ...([lent(source).byteOffset, width, height, source.BYTES_PER_ELEMENT] as const),
        ...([lefts.byteOffset, tops.byteOffset, x.length, side, into.byteOffset] as const),
      )
      return into
    }
    const image = cut(pixels, allocate(Float32Array, n).fill(Number.NaN))
    const bits = mask && cut(mask, allocate(Int16Array, n).fill(NO_DATA))
    return { half, saturation, level, pixels: shared(image), mask: bits && shared(bits) }
  })
}

function shared<T extends Float32Array | Int16Array>(values: T): T {
  const memory = new SharedArrayBuffer(values.byteLength)
  const all = values instanceof Float32Array ? new Float32Array(memory) : new Int16Array(memory)
  all.set(values)
  return all as T
}

/** Where a star is in its square, once that is cut from an image in which it is at (x, y). */
export const placeIn = (half: number, x: number) => x - Math.round(x) + half
