import { healpixCount, healpixOf } from '@nightpipe/sky'
import type { TileSource } from './search.js'
import type { SkyStars } from './star.js'
import { bandsOf, OPTIONAL, pickStars } from './star-lists.js'

/** No tile should hold more stars than this: it is read whole for the smallest circle. */
const MOST_IN_A_TILE = 5000

/** Tiles finer than this (half a degree) would be more files than a disk likes. */
const FINEST = 7

/** The pixel of every star at an order. */
function pixelsOf(stars: SkyStars, order: number): Int32Array {
  const { ra, dec, count } = stars
  const pixels = new Int32Array(count)
  for (let k = 0; k < count; k++) pixels[k] = healpixOf(order, ra[k], dec[k])
  return pixels
}

/** The coarsest order at which nearly all stars are in tiles that are not too full; `pixels` are those of the finest. */
function orderOf(pixels: Int32Array): number {
  for (let order = 0; order < FINEST; order++) {
    const counts = new Int32Array(12 * 4 ** order)
    const shift = 2 * (FINEST - order)
    for (const pixel of pixels) counts[pixel >> shift]++
    let crowded = 0
    for (const count of counts) if (count > MOST_IN_A_TILE) crowded += count
    if (crowded <= 0.02 * pixels.length) return order
  }
  return FINEST
}

export interface TiledStars {
  order: number
  /** tile after tile, and inside of a tile in an order that does not depend on the one they came in */
  sorted: SkyStars
  /** the tiles that have stars, and where each begins; one more start than tiles */
  pixels: number[]
  starts: number[]
}

/** Sorts stars by tile, of the order that suits their density or of one that is given. */
export function sortByTile(stars: SkyStars, wanted?: number): TiledStars {
  const finest = Math.max(FINEST, wanted ?? 0)
  const pixel = pixelsOf(stars, finest)
  const order = wanted ?? orderOf(pixel)
  const shift = 2 * (finest - order)
  const indices = byPixel(stars, pixel, healpixCount(finest))
  const sorted = pickStars(stars, indices)
  const pixels: number[] = []
  const starts: number[] = []
  for (let k = 0; k < indices.length; k++) {
    const here = pixel[indices[k]] >> shift
    if (pixels.at(-1) === here) continue
    pixels.push(here)
    starts.push(k)
  }
  starts.push(stars.count)
  return { order, sorted, pixels, starts }
}

/** Counting sort by pixel; the few stars of each small pixel then by place. */
function byPixel({ ra, dec, count }: SkyStars, pixel: Int32Array, pixels: number): Uint32Array {
  const next = new Uint32Array(pixels + 1)
  for (const p of pixel) next[p + 1]++
  for (let p = 0; p < pixels; p++) next[p + 1] += next[p]
  const starts = next.slice()
  const indices = new Uint32Array(count)
  for (let k = 0; k < count; k++) indices[next[pixel[k]]++] = k
  for (let p = 0; p < pixels; p++) {
    if (starts[p + 1] - starts[p] < 2) continue
    indices.subarray(starts[p], starts[p + 1]).sort((a, b) => dec[a] - dec[b] || ra[a] - ra[b] || a - b)
  }
  return indices
}

/** The fastest proper motion of a list, mas/yr. */
export function fastestOf({ pmRa, pmDec }: SkyStars): number {
  let most = 0
  for (let k = 0; k < pmRa.length; k++) {
    const speed = Math.hypot(pmRa[k], pmDec[k])
    if (speed > most) most = speed
  }
  return most
}

/** A part of a sorted list, sharing its memory. */
export function sliceStars(stars: SkyStars, from: number, to: number): SkyStars {
  const part: SkyStars = {
    ...{ count: to - from, epoch: stars.epoch, ra: stars.ra.subarray(from, to), dec: stars.dec.subarray(from, to) },
    ...{ pmRa: stars.pmRa.subarray(from, to), pmDec: stars.pmDec.subarray(from, to) },
    magnitudes: Object.fromEntries(
      Object.entries(stars.magnitudes).map(([band, { value, error }]) => [
        band,
        { value: value.subarray(from, to), error: error.subarray(from, to) },
      ]),
    ),
  }
  for (const key of OPTIONAL) if (stars[key]) part[key] = stars[key].subarray(from, to)
  if (stars.id) part.id = stars.id.slice(from, to)
  return part
}

/** A list in memory, tile by tile. */
export function tileStars(stars: SkyStars): TileSource {
  const { order, sorted, pixels, starts } = sortByTile(stars)
  const place = new Map(pixels.map((pixel, k) => [pixel, k]))
  return {
    ...{ order, bands: bandsOf(stars), epoch: stars.epoch, fastest: fastestOf(stars) },
    tile(pixel) {
      const k = place.get(pixel)
      return k === undefined ? undefined : sliceStars(sorted, starts[k], starts[k + 1])
    },
  }
}
