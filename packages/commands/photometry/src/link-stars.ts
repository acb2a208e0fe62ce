import { alignStars, invert, mapOf, nearestWithin, transform } from '@nightpipe/registration'
import { StarFlag } from '@nightpipe/stars'
import type { SeriesFrame } from './read-product.js'
import { type SeenPlaces, seenPlaces } from './seen-places.js'

/** The same stars in all frames of a series. */
export interface Linked {
  count: number
  /** Places on the reference frame. */
  x: Float64Array
  y: Float64Array
  ra: Float64Array
  dec: Float64Array
  reference: number
  /** For each frame: the row of each star in its catalogue; -1 not seen, -2 where it could not be: outside, or hidden. */
  rows: Int32Array[]
  /** Places of each star in a frame. */
  placeIn(frame: number, star: number): readonly [number, number]
  /** Frames that could not be laid on the reference: their number, and why. */
  lost: { frame: number; reason: string }[]
}

type Map2 = (x: number, y: number) => readonly [number, number]
const NOWHERE = [Number.NaN, Number.NaN] as const

/** From the reference to a frame and back: by both plate solutions, or by the pattern of the stars. */
function mapsTo(reference: SeriesFrame, frame: SeriesFrame): { there: Map2; back: Map2 } | undefined {
  if (frame === reference) return { there: (x, y) => [x, y], back: (x, y) => [x, y] }
  const [a, b] = [reference.wcs, frame.wcs]
  if (a && b) {
    return {
      there: (x, y) => b.toPixel(...a.toSky(x, y)) ?? NOWHERE,
      back: (x, y) => a.toPixel(...b.toSky(x, y)) ?? NOWHERE,
    }
  }
  const alignment = alignStars(bright(reference), bright(frame))
  if (!alignment) return undefined
  const inverse = invert(alignment.affine)
  return { there: mapOf(alignment.map), back: (x, y) => transform(inverse, x, y) }
}

/** The stars that patterns are made of. */
function bright({ x, y, xError, yError, flux, fluxError }: SeriesFrame) {
  const list = Array.from(x.keys())
    .filter((i) => flux[i]! > 7 * fluxError[i]! && xError[i]! > 0 && yError[i]! > 0)
    .sort((i, j) => flux[j]! - flux[i]! || i - j)
    .slice(0, 400)
  const of = (values: ArrayLike<number>) => list.map((i) => values[i]!)
  return { x: of(x), y: of(y), error: list.map((i) => Math.max(xError[i]!, yError[i]!)), flux: of(flux) }
}

/**
 * Lays all frames on the one with the most stars and gives each star one number; what the reference lacks is added from
 * the others. Stars in fewer than `least` frames are dropped, unless `keep` wants a star at that place.
 */
export function linkStars(frames: readonly SeriesFrame[], radius: number, least: number): Linked {
  const reference = frames.reduce((best, frame, k) => (frame.x.length > frames[best]!.x.length ? k : best), 0)
  const list = { x: [...frames[reference]!.x], y: [...frames[reference]!.y] }
  const rows: number[][] = frames.map(() => [])
  const maps = frames.map((frame) => mapsTo(frames[reference]!, frame))
  const order = [reference, ...Array.from(frames.keys()).filter((k) => k !== reference)]
  const lost: Linked['lost'] = []
  for (const k of order) {
    const [frame, map] = [frames[k]!, maps[k]]
    if (!map) {
      lost.push({ frame: k, reason: 'its stars are not those of the others' })
      continue
    }
    addFrame(frame, map, list, rows[k]!, radius * frame.seeing)
  }
  const number = list.x.length
  const seen = new Int32Array(number)
  for (const row of rows) {
    for (let star = 0; star < row.length; star++) if (row[star]! >= 0) seen[star]!++
  }
  const kept = Array.from({ length: number }, (_, star) => star).filter((star) => seen[star]! >= least)
  kept.sort((a, b) => brightness(frames, rows, b) - brightness(frames, rows, a) || a - b)
  const x = Float64Array.from(kept, (star) => list.x[star]!)
  const y = Float64Array.from(kept, (star) => list.y[star]!)
  const placeIn = (k: number, star: number) => maps[k]?.there(x[star]!, y[star]!) ?? NOWHERE
  const wcs = frames[reference]!.wcs
  const sky = wcs?.toSkyMany(x, y)
  const blank = new Float64Array(kept.length).fill(Number.NaN)
  return {
    ...{ count: kept.length, x, y, ra: sky?.ra ?? blank, dec: sky?.dec ?? blank, reference, placeIn, lost },
    rows: frames.map((frame, k) => {
      const seen = seenPlaces(frame)
      return Int32Array.from(kept, (star, s) => {
        const row = maps[k] ? (rows[k]![star] ?? -1) : -2
        if (row >= 0) return isCutOff(frame, row, seen) ? -2 : row
        return row === -1 && couldBeSeen(placeIn(k, s), frame.seeing, seen) ? -1 : -2
      })
    }),
  }
}

/** Whether light of a star that was seen lies beyond the frame: of its circles, not of its faintest wings. */
const isCutOff = (frame: SeriesFrame, row: number, { clear }: SeenPlaces) =>
  (frame.flags[row]! & CUT) !== 0 && !clear([frame.x[row]!, frame.y[row]!], frame.reach)

/** What a star may have that reaches beyond the frame, or beyond what was exposed of its grid. */
const CUT = StarFlag.truncated | StarFlag.masked

/** A star that is not seen within so many widths of the edge is not a star without light. */
const UNSEEN = 2

const couldBeSeen = (place: readonly [number, number], seeing: number, { clear, open }: SeenPlaces) =>
  clear(place, UNSEEN * seeing) && open(place, seeing)

/** Matches the stars of a frame with the list, and adds those that are new. */
function addFrame(
  frame: SeriesFrame,
  map: { there: Map2; back: Map2 },
  list: { x: number[]; y: number[] },
  row: number[],
  reach: number,
) {
  const places = list.x.map((x, star) => map.there(x, list.y[star]!))
  const here = { x: places.map(([x]) => x), y: places.map(([, y]) => y) }
  const taken = new Set<number>()
  for (let star = 0; star < list.x.length; star++) row[star] = -1
  for (const [star, i] of nearestWithin(here, frame, reach)) {
    row[star] = i
    taken.add(i)
  }
  for (let i = 0; i < frame.x.length; i++) {
    if (taken.has(i)) continue
    const [x, y] = map.back(frame.x[i]!, frame.y[i]!)
    if (!Number.isFinite(x + y)) continue
    row[list.x.length] = i
    list.x.push(x)
    list.y.push(y)
  }
}

/** The largest flux per second that a star was seen with. */
function brightness(frames: readonly SeriesFrame[], rows: readonly number[][], star: number): number {
  let most = 0
  for (let k = 0; k < frames.length; k++) {
    const i = rows[k]![star] ?? -1
    if (i >= 0) most = Math.max(most, frames[k]!.flux[i]! / frames[k]!.exposure || 0)
  }
  return most
}
