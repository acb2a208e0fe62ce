import { across, along, type Line, lineThrough, type Place } from './line.js'

/** A straight trail: where it begins and ends, the line from there to there, and the dots that it goes through. */
export interface Trail {
  from: Place
  to: Place
  line: Line
  length: number
  dots: number[]
}

/** Half a turn in so many directions; lines are this far apart, px. */
const DIRECTIONS = 360
const STRIPE = 6
/** Dots this near to a line belong to it, px. */
const NEAR = 3
/** A trail is so long at least, px, and this part of its length lies within `spacing` of a dot. */
const SHORTEST = 60
const FILLED = 0.5
const MOST_TRAILS = 8
const MOST_ROWS = 16
const FITS = 6

/** Straight trails among dots of which there is one in each cell of side `spacing`; the longest row of dots first. */
export function findTrails(dots: readonly Place[], spacing: number): Trail[] {
  const trails: Trail[] = []
  let left = dots.map((_, k) => k)
  for (let row = 0; row < MOST_ROWS && trails.length < MOST_TRAILS; row++) {
    const { line, own } = bestLine(dots, left)
    if (own.length === 0) break
    // dots in a row by chance must not hide the trail that comes after them
    const trail = filledStretch(dots, own, line, spacing)
    const isLong = trail.length >= SHORTEST
    if (isLong) trails.push(trail)
    const taken = new Set(isLong ? trail.dots : own)
    left = left.filter((k) => !taken.has(k))
  }
  return trails
}

/** The line that most dots lie on, and these; none of too few. */
function bestLine(dots: readonly Place[], left: readonly number[]): { line: Line; own: number[] } {
  if (left.length < SHORTEST / STRIPE) return { line: { x: 0, y: 0, cos: 1, sin: 0 }, own: [] }
  let line = mostVoted(dots, left)
  let own: number[] = []
  for (let k = 0; k < FITS; k++) {
    // what is a straight line in a large frame lies off one of the directions by some pixels at its ends
    const reach = k < 2 ? STRIPE : NEAR
    const near = left.filter((i) => Math.abs(across(line, dots[i])) <= reach)
    if (near.length < 3) break
    own = near
    line = lineThrough(own.map((i) => dots[i]))
  }
  return { line, own }
}

/** The stripe that most dots lie in (Hough 1962; Duda & Hart 1972, Comm. ACM 15, 11). */
function mostVoted(dots: readonly Place[], left: readonly number[]): Line {
  let [most, best] = [0, { ...dots[left[0]], cos: 1, sin: 0 }]
  for (let d = 0; d < DIRECTIONS; d++) {
    const [cos, sin] = [Math.cos((d * Math.PI) / DIRECTIONS), Math.sin((d * Math.PI) / DIRECTIONS)]
    const votes = new Map<number, number>()
    for (const i of left) {
      const stripe = Math.round((dots[i].y * cos - dots[i].x * sin) / STRIPE)
      const count = (votes.get(stripe) ?? 0) + 1
      votes.set(stripe, count)
      if (count <= most) continue
      most = count
      best = { x: -stripe * STRIPE * sin, y: stripe * STRIPE * cos, cos, sin }
    }
  }
  return best
}

/** The stretch of a line whose cells with a dot outweigh those without by most. */
function filledStretch(dots: readonly Place[], own: readonly number[], line: Line, spacing: number): Trail {
  const cells = own.map((i) => Math.round(along(line, dots[i]) / spacing))
  const places = [...new Set(cells)].sort((a, b) => a - b)
  let [start, sum, most] = [places[0], 0, Number.NEGATIVE_INFINITY]
  let stretch = [start, start]
  for (const [k, place] of places.entries()) {
    // cells without a dot count against going on
    if (k > 0) sum -= FILLED * (place - places[k - 1] - 1)
    if (sum < 0) [start, sum] = [place, 0]
    sum += 1 - FILLED
    if (sum <= most) continue
    most = sum
    stretch = [start, place]
  }
  const at = (cell: number) => ({
    x: line.x + cell * spacing * line.cos,
    y: line.y + cell * spacing * line.sin,
  })
  const within = own.filter((_, k) => cells[k] >= stretch[0] && cells[k] <= stretch[1])
  const from = at(stretch[0])
  const length = (stretch[1] - stretch[0]) * spacing
  return { from, to: at(stretch[1]), line: { ...from, cos: line.cos, sin: line.sin }, length, dots: within }
}
