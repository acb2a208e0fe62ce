import { healpixOf } from '@nightpipe/sky'
import type { TileSource } from './search.js'
import type { SkyStars } from './star.js'
import { bandsOf, OPTIONAL, pickStars } from './star-lists.js'

/** No tile should hold more stars than this: it is read whole for the smallest circle. */
const MOST_IN_A_TILE = 5000

/** Tiles finer than this (half a degree) would be more files than a disk likes. */
const FINEST = 7

/** The pixel of every star at an order. */
export function pixelsOf(stars: SkyStars, order: number): Int32Array {
  return Int32Array.from({ length: stars.count }, (_, k) => healpixOf(order, stars.ra[k], stars.dec[k]))
}

/** The order at which nearly all stars are in tiles that are not too full. */
export function orderFor(stars: SkyStars): number {
  const finest = pixelsOf(stars, FINEST)
  for (let order = 0; order < FINEST; order++) {
    const counts = new Int32Array(12 * 4 ** order)
    const shift = 2 * (FINEST - order)
    for (const pixel of finest) counts[pixel >> shift]++
    let crowded = 0
    for (const count of counts) if (count > MOST_IN_A_TILE) crowded += count
    if (crowded <= 0.02 * stars.count) return order
  }
  return FINEST
}

/** The stars in the order of their pixels, and where each pixel begins. */
export function sortByTile(stars: SkyStars, order: number): { sorted: SkyStars; pixels: number[]; starts: number[] } {
  const pixel = pixelsOf(stars, order)
  const indices = Uint32Array.from({ length: stars.count }, (_, k) => k)
  indices.sort((a, b) => pixel[a] - pixel[b] || stars.dec[a] - stars.dec[b] || stars.ra[a] - stars.ra[b] || a - b)
  const sorted = pickStars(stars, indices)
  const pixels: number[] = []
  const starts: number[] = []
  for (let k = 0; k < indices.length; k++) {
    const here = pixel[indices[k]]
    if (pixels.at(-1) === here) continue
    pixels.push(here)
    starts.push(k)
  }
  starts.push(stars.count)
  return { sorted, pixels, starts }
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
  const order = orderFor(stars)
  const { sorted, pixels, starts } = sortByTile(stars, order)
  const place = new Map(pixels.map((pixel, k) => [pixel, k]))
  return {
    ...{ order, bands: bandsOf(stars), epoch: stars.epoch, fastest: fastestOf(stars) },
    tile(pixel) {
      const k = place.get(pixel)
      return k === undefined ? undefined : sliceStars(sorted, starts[k], starts[k + 1])
    },
  }
}
