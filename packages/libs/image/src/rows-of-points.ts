import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import { across, along, type Line, lineThrough, type Place } from './line.js'

/** Points as columns. */
interface Points {
  x: ArrayLike<number>
  y: ArrayLike<number>
}

/** So many stripes lie side by side over the field, and so many directions turn one into the next at its ends. */
const STRIPES = 400
const DIRECTIONS = 628
/** Narrower stripes than this, px, are not looked at; points so near to a line belong to it. */
const NARROWEST = 6
const NEAR = 3
/** A row has so many points, at a distance from one to the next of at most this part of that of all others. */
const FEWEST = 10
const CLOSER = 0.5
/** Rows more likely than this by chance, all lines together, are none. */
const LOG_CHANCE = Math.log(1e-6)
const MOST_ROWS = 16
const FITS = 6
/** Among more points than this those of trails are too few to matter. */
const MOST_POINTS = 6000

/**
 * Marks points that stand close together in a straight row: what is detected along the trail of a satellite, a column that
 * bleeds, a spike. Such rows fit on one another, and are no stars.
 */
export function inRows(points: Points): Uint8Array {
  const count = points.x.length
  const marked = new Uint8Array(count)
  let left = Int32Array.from({ length: count }, (_, k) => k).filter((k) => Number.isFinite(points.x[k] + points.y[k]))
  if (left.length > MOST_POINTS) return marked
  for (let row = 0; row < MOST_ROWS && left.length >= FEWEST; row++) {
    const own = densestRow(points, left)
    if (!own) break
    for (const k of own) marked[k] = 1
    left = left.filter((k) => marked[k] === 0)
  }
  return marked
}

/** The points of the row that chance explains least, if there is one. */
function densestRow(points: Points, left: Int32Array): Int32Array | undefined {
  const field = fieldOf(points, left)
  const stripe = Math.max(NARROWEST, field.diagonal / STRIPES)
  const voted = scoped(() => mostUnlikely(points, left, field, stripe))
  if (!voted) return undefined
  const at = (k: number): Place => ({ x: points.x[k], y: points.y[k] })
  let line = voted
  let own = left
  for (let fit = 0; fit < FITS; fit++) {
    const reach = fit < 2 ? stripe : NEAR
    const near = left.filter((k) => Math.abs(across(line, at(k))) <= reach)
    if (near.length < FEWEST) return undefined
    own = near
    line = lineThrough(Array.from(own, at))
  }
  const apart = lengthOf(line, Array.from(own, at)) / own.length
  const others = Math.sqrt(field.area / Math.max(1, left.length - own.length))
  return apart < CLOSER * others ? own : undefined
}

function fieldOf({ x, y }: Points, some: Int32Array) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const k of some) {
    x0 = Math.min(x0, x[k])
    x1 = Math.max(x1, x[k])
    y0 = Math.min(y0, y[k])
    y1 = Math.max(y1, y[k])
  }
  const [wide, high] = [x1 - x0, y1 - y0]
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, area: wide * high, diagonal: Math.sqrt(wide * wide + high * high) }
}

/** The stripe with the most points beyond what the stripes beside it have, if chance does not explain it. */
function mostUnlikely(
  points: Points,
  left: Int32Array,
  field: { x: number; y: number; diagonal: number },
  stripe: number,
): Line | undefined {
  const stripes = Math.ceil(field.diagonal / stripe) + 2
  // in stripes from the middle of the field
  const x = lent(Float64Array.from(left, (k) => (points.x[k] - field.x) / stripe))
  const y = lent(Float64Array.from(left, (k) => (points.y[k] - field.y) / stripe))
  const [counts, place] = [allocate(Int32Array, stripes + 6), allocate(Int32Array, 2)]
  const found = kernels().likeliestStripe(
    ...[x.byteOffset, y.byteOffset, left.length, lent(TURNS).byteOffset, DIRECTIONS],
    ...[stripes, FEWEST, LOG_CHANCE - Math.log(DIRECTIONS * stripes), counts.byteOffset, place.byteOffset],
  )
  if (!found) return undefined
  const [cos, sin] = TURNS.subarray(2 * place[0])
  const away = (place[1] + 0.5 - stripes / 2) * stripe
  return { x: field.x - away * sin, y: field.y + away * cos, cos, sin }
}

/** Cosine and sine of each direction. */
const TURNS = Float64Array.from({ length: 2 * DIRECTIONS }, (_, k) => {
  const angle = (Math.floor(k / 2) * Math.PI) / DIRECTIONS
  return k % 2 === 0 ? Math.cos(angle) : Math.sin(angle)
})

function lengthOf(line: Line, places: readonly Place[]): number {
  const far = places.map((place) => along(line, place))
  return Math.max(...far) - Math.min(...far)
}
