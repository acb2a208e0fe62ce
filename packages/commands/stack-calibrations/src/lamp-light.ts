import { medianOf, select } from '@nightpipe/math'
import type { Geometry } from './geometry.js'
import { rowsOfFrame, type Sampled } from './sample.js'

/** What some bands of rows tell of a flat of a spectrograph, ADU. */
export interface LampLight {
  /** how far its orders stand above what lies between them */
  light: number
  /** part of the pixels with light that is saturated */
  saturated: number
  /** the rows of the bands, one after the other */
  bands: Float32Array
}

/** Bands of so many neighbouring rows, evenly over the frame: where they cross orders they tell their height. */
const BANDS = 6
const ROWS = 12
/** Where there is light, and where there is none even if orders are packed: parts of all pixels. */
const BRIGHT = 0.95
const GROUND = 0.2
/** Pixels with this part of the light belong to an order. */
const LIT = 0.25

/** The rows of the bands of a frame. */
function bandRows(height: number): number[] {
  const rows = Math.min(ROWS, Math.floor(height / BANDS))
  return Array.from({ length: BANDS * rows }, (_, k) => {
    const middle = Math.floor(((Math.floor(k / rows) + 0.5) * height) / BANDS)
    return middle - (rows >> 1) + (k % rows)
  })
}

/** First look at a flat of a spectrograph. To be called inside `scoped`. */
export function lampLight(frame: Sampled, geometry: Geometry, saturation: number | undefined): LampLight {
  const bands = rowsOfFrame(frame, geometry, saturation, bandRows(geometry.height)).slice()
  const good = finiteOf(bands)
  if (good.length === 0) return { light: 0, saturated: 1, bands }
  const ground = select(good, Math.floor(GROUND * (good.length - 1)))
  const light = select(good, Math.floor(BRIGHT * (good.length - 1))) - ground
  const enough = ground + LIT * light
  let lit = 0
  for (let i = 0; i < good.length; i++) if (good[i]! > enough) lit++
  const lost = bands.length - good.length
  return { light, saturated: lost / (lost + lit), bands }
}

/** What a filter of the array gives, which calls a function for each of a million pixels. */
function finiteOf(values: Float32Array): Float32Array {
  const good = new Float32Array(values.length)
  let n = 0
  for (let i = 0; i < values.length; i++) if (values[i]! - values[i]! === 0) good[n++] = values[i]!
  return good.subarray(0, n)
}

/** Bands are compared in so many pieces; those that tell less than this part of what the best do are not asked. */
const PIECES = 8
const TELLING = 0.1
/** Pixels fainter than this part of the light weigh alike. */
const FAINT = 0.05

/**
 * About how many rows the orders of a flat lie above those of another: the median of the pieces, since some are hit by cosmic rays.
 */
export function driftBetween(own: LampLight, other: LampLight, width: number): number {
  const columns = Math.ceil(width / PIECES)
  const pieces = Array.from({ length: BANDS * PIECES }, (_, k) =>
    driftOfPiece(own.bands, other, width, Math.floor(k / PIECES), (k % PIECES) * columns, columns),
  )
  const most = Math.max(...pieces.map(({ told }) => told))
  const telling = pieces.filter(({ told }) => told > TELLING * most)
  return telling.length > 0 ? medianOf(telling.map(({ drift }) => drift)) : 0
}

/** What a flat differs by from another, its brightness apart, against the slope of the light across the orders. */
function driftOfPiece(
  own: Float32Array,
  { bands: other, light }: LampLight,
  width: number,
  band: number,
  first: number,
  columns: number,
): { drift: number; told: number } {
  const rows = Math.floor(own.length / width / BANDS)
  const last = Math.min(width, first + columns)
  let [aa, ab, bb, ay, by] = [0, 0, 0, 0, 0]
  for (let row = 1; row < rows - 1; row++) {
    const from = (band * rows + row) * width
    for (let p = from + first; p < from + last; p++) {
      const [level, value] = [other[p]!, own[p]!]
      const slope = (other[p + width]! - other[p - width]!) / 2
      if (!Number.isFinite(level + value + slope)) continue
      // photons, and where there are hardly any the read-out
      const weight = 1 / (Math.abs(level) + FAINT * light)
      aa += weight * level * level
      ab += weight * level * slope
      bb += weight * slope * slope
      ay += weight * level * value
      by += weight * slope * value
    }
  }
  const determinant = aa * bb - ab * ab
  if (!(determinant > 0)) return { drift: 0, told: 0 }
  return { drift: -(by * aa - ay * ab) / (ay * bb - by * ab), told: determinant / aa }
}
