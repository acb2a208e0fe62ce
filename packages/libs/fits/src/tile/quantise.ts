import { allocate, kernels } from '@nightpipe/kernels'

/** How floats become integers before they are compressed. */
export interface Quantisation {
  /** Steps per sigma of the noise of a tile: 4 loses 0.3 % of it. Negative: the step itself, the same for all tiles. */
  level: number
  dither: 'none' | 'SUBTRACTIVE_DITHER_1' | 'SUBTRACTIVE_DITHER_2'
  /** Where the random numbers begin, 1 to 10000: ZDITHER0. */
  seed: number
}

export const DITHERS = { none: 0, SUBTRACTIVE_DITHER_1: 1, SUBTRACTIVE_DITHER_2: 2 } as const

/** The quantised value of a NaN. The values up to ten above it are kept free, one of them for exact zeros. */
export const BLANK = -2147483647
const RESERVED = 10

export interface Noise {
  /** Good pixels, and the range of their values. */
  good: number
  least: number
  most: number
  /** One sigma. 0 where there is none to be measured: then the tile is not quantised. */
  sigma: number
}

type Pixels = Float32Array | Float64Array

/** Factors from the median of absolute differences, of second, third and fifth order, to the sigma of Gaussian noise. */
const TO_SIGMA = [1.0483579, 0.6052697, 0.1772048]

/**
 * The noise of a tile, whatever smooth structure lies under it: the smallest of the three estimates, each of them the
 * median of its rows (Pence, Seaman & White 2009, PASP 121, 414). `pixels` lie in kernel memory. `last` are the medians of
 * the row measured before, three, 0 at first: with them the next ones are found faster.
 */
export function tileNoise(pixels: Pixels, width: number, last: Float64Array): Noise {
  const { noiseOfFloats, noiseOfDoubles } = kernels()
  const measure = pixels instanceof Float32Array ? noiseOfFloats : noiseOfDoubles
  // Rows too short for the fifth difference are taken together as one.
  const columns = width < 9 ? pixels.length : width
  const scratch = allocate(Float64Array, 5 * columns + 32)
  const results = allocate(Float64Array, 8)
  results.set(last, 5)
  const medians: number[][] = [[], [], []]
  const noise = { good: 0, least: Infinity, most: -Infinity, sigma: 0 }
  for (let from = 0; from < pixels.length; from += columns) {
    const address = pixels.byteOffset + from * pixels.BYTES_PER_ELEMENT
    measure(address, columns, scratch.byteOffset, results.byteOffset)
    const [good, least, most, seconds, thirds, second, third, fifth] = results
    noise.good += good
    noise.least = Math.min(noise.least, least)
    noise.most = Math.max(noise.most, most)
    // A single difference among several places that are flat says nothing.
    if (seconds > 1 || (seconds === 1 && thirds === 1)) medians[0].push(second)
    if (thirds > 0) {
      medians[1].push(third)
      medians[2].push(fifth)
    }
  }
  last.set(results.subarray(5))
  const [two, three, five] = medians.map((values, k) => TO_SIGMA[k] * middle(values))
  noise.sigma = three
  if (two !== 0) noise.sigma = Math.min(noise.sigma, two)
  if (five !== 0) noise.sigma = Math.min(noise.sigma, five)
  return noise
}

function middle(values: number[]): number {
  if (values.length === 0) return 0
  const sorted = Float64Array.from(values).sort()
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

export interface QuantisedTile {
  values: Int32Array
  scale: number
  zero: number
  /** Some pixels are NaN, and stand as BLANK. */
  blanks: boolean
}

/**
 * The tile of this index as integers, in kernel memory, or undefined when it cannot be held so: no noise to set the step
 * by, or a range of values too large for 32 bits. `pixels` lie in kernel memory; `last` is as for `tileNoise`.
 */
export function quantiseTile(
  pixels: Pixels,
  width: number,
  index: number,
  { level, dither, seed }: Quantisation,
  last: Float64Array,
): QuantisedTile | undefined {
  if (pixels.length <= 1) return undefined
  const noise = tileNoise(pixels, width, last)
  if (noise.good === 0) Object.assign(noise, { least: 0, most: 1, sigma: 1 })
  const step = level < 0 ? -level : noise.sigma / (level || 4)
  if (step === 0 || !((noise.most - noise.least) / step <= 2 * 2147483647 - RESERVED)) return undefined
  const blanks = noise.good < pixels.length
  const zero = zeroPoint(noise, step, blanks || dither === 'SUBTRACTIVE_DITHER_2')
  const values = allocate(Int32Array, pixels.length)
  const { quantiseFloats, quantiseDoubles } = kernels()
  const quantise = pixels instanceof Float32Array ? quantiseFloats : quantiseDoubles
  const start = (index + seed - 1) % 10000
  quantise(pixels.byteOffset, values.byteOffset, values.length, step, zero, DITHERS[dither], start)
  return { values, scale: step, zero, blanks }
}

function zeroPoint({ least, most }: Noise, step: number, reserved: boolean): number {
  // Near the reserved values, so that they cost few bits where they stand among the others.
  if (reserved) return least - step * (BLANK + RESERVED)
  // A multiple of the step, so that compressing once more changes nothing; otherwise all values would be positive.
  if ((most - least) / step < 2147483647 - RESERVED) return Math.trunc(least / step + 0.5) * step
  return (least + most) / 2
}
