import type { Candidate } from './candidates.js'
import type { Difference } from './difference.js'
import { UNUSABLE } from './side.js'

/** Places and light of stars, in the unit of the new frame. */
export interface Lights {
  x: ArrayLike<number>
  y: ArrayLike<number>
  flux: ArrayLike<number>
}

/** Stars are looked at out to so many FWHM from a candidate. */
const REACH = 6
/** Those that have, fallen off with the square of the distance, less than so many errors of the candidate leave nothing. */
const LEAST_LIGHT = 30
/** Widths in FWHM: of the rings that are measured, from the star itself, and about the candidate. */
const RINGS = [0.5, 1] as const
const CORE = 0.5
const OWN = 1.4
/** The sides of a ring towards the candidate and away from it: the least cosine of the angle between. */
const SIDES = 0.7
/** Part of its own standard deviation by which the scatter of a ring must be above that of noise to count. */
const CHANCE = 0.5

/**
 * By how much the score scatters where stars reach beside a candidate, over what noise does: of each star in the ring
 * that the candidate lies in, as wide as the point spread and twice that, the candidate left out. 1 where no star reaches.
 */
export function scatterBeside(
  candidate: Candidate,
  difference: Difference,
  mask: Int16Array,
  lists: readonly Lights[],
): number {
  const { fresh: fwhm } = difference.seeing
  let most = 1
  for (const stars of lists) {
    for (let i = 0; i < stars.x.length; i++) {
      const away = Math.hypot(stars.x[i]! - candidate.x, stars.y[i]! - candidate.y) / fwhm
      if (away > REACH || !(stars.flux[i]! > LEAST_LIGHT * candidate.fluxError * (1 + away) ** 2)) continue
      const star = { x: stars.x[i]!, y: stars.y[i]! }
      for (const width of RINGS) most = Math.max(most, ringScatter(star, width * fwhm, candidate, difference, mask))
    }
  }
  return most
}

interface Star {
  x: number
  y: number
}

/** Scatter of the score in the ring about a star that holds a candidate. */
function ringScatter(
  star: Star,
  width: number,
  { x, y }: Candidate,
  { width: columns, height, score, seeing }: Difference,
  mask: Int16Array,
): number {
  const fwhm = seeing.fresh
  const radius = Math.hypot(star.x - x, star.y - y)
  const reach = radius + width
  const ring = { count: 0, squares: 0 }
  // a trailed or slanting profile leaves something on two sides only
  const sides = { count: 0, squares: 0 }
  for (let v = Math.max(0, Math.ceil(star.y - reach)); v <= Math.min(height - 1, star.y + reach); v++) {
    for (let u = Math.max(0, Math.ceil(star.x - reach)); u <= Math.min(columns - 1, star.x + reach); u++) {
      const away = Math.hypot(u - star.x, v - star.y)
      if (Math.abs(away - radius) >= width || away < CORE * fwhm || Math.hypot(u - x, v - y) < OWN * fwhm) continue
      const p = v * columns + u
      const value = score[p]!
      if ((mask[p]! & UNUSABLE) !== 0 || Number.isNaN(value)) continue
      ring.count++
      ring.squares += value * value
      const cosine = ((u - star.x) * (x - star.x) + (v - star.y) * (y - star.y)) / (away * radius)
      if (!(Math.abs(cosine) > SIDES)) continue
      sides.count++
      sides.squares += value * value
    }
  }
  const beyond = ({ count, squares }: typeof ring) => beyondNoise(squares / count, count / discOf(fwhm))
  return Math.max(beyond(ring), beyond(sides))
}

/** The pixels that the matched filter makes alike. */
const discOf = (fwhm: number) => (Math.PI / 4) * (1.2 * fwhm) ** 2

/** From the mean square of so many independent values; one alone says nothing. */
function beyondNoise(square: number, independent: number): number {
  if (!(independent > 1)) return 1
  return Math.sqrt(1 + Math.max(0, square - 1 - CHANCE * Math.sqrt(2 / independent)))
}
