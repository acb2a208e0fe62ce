import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import { followedBeside, type Usual } from './trend-strength.js'

/**
 * Trends that many stars share, each with a strength of its own, taken out in place (SysRem: Tamuz, Mazeh & Zucker 2005,
 * MNRAS 356, 1466). Rows are stars, columns frames; NaN is missing. The mean of each star stays.
 *
 * As published, the course of a trend is that of whichever star varies most over its errors, and what that star does is
 * then taken for a trend: a transit of 2 % of one star among two hundred quiet ones is gone. Here a star counts no more
 * than its own restlessness allows, what is taken out of a star follows the course that all others show, and how much of it
 * is asked beside an event that the star may have.
 */
export function removeTrends(
  value: Float32Array,
  error: Float32Array,
  stars: number,
  frames: number,
  effects: number,
): void {
  const data = { value, error, stars, frames, mean: meansOf(value, error, stars, frames) }
  for (let effect = 0; effect < effects; effect++) removeOne(data)
}

interface Curves {
  value: Float32Array
  error: Float32Array
  stars: number
  frames: number
  mean: Float64Array
}

function meansOf(value: Float32Array, error: Float32Array, stars: number, frames: number): Float64Array {
  return Float64Array.from({ length: stars }, (_, j) => {
    let [sum, total] = [0, 0]
    for (let p = j * frames; p < (j + 1) * frames; p++) {
      const weight = Number.isFinite(value[p]!) ? 1 / error[p]! ** 2 : 0
      if (!(weight > 0)) continue
      sum += weight * value[p]!
      total += weight
    }
    return sum / total
  })
}

const ROUNDS = 30
/** A star follows a trend when its strength is that many times its error: any curve resembles any other a little. */
const FOLLOWS = 2

function removeOne(data: Curves): void {
  const { stars, frames, value } = data
  const extra = restlessness(data)
  const strength = new Float64Array(stars)
  const course = Float64Array.from({ length: frames }, (_, i) => (i % 2 === 0 ? 1 : -1) + i / frames)
  const sums = { top: new Float64Array(frames), bottom: new Float64Array(frames) }
  for (let round = 0; round < ROUNDS; round++) {
    for (let j = 0; j < stars; j++) strength[j] = strengthOf(data, j, course)
    sumFrames(data, extra, strength, sums)
    for (let i = 0; i < frames; i++) course[i] = sums.bottom[i]! > 0 ? sums.top[i]! / sums.bottom[i]! : 0
    const size = Math.sqrt(course.reduce((sum, a) => sum + a * a, 0) / frames) || 1
    for (let i = 0; i < frames; i++) course[i]! /= size
  }
  for (let j = 0; j < stars; j++) strength[j] = strengthOf(data, j, course)
  sumFrames(data, extra, strength, sums)
  const usual = usualOf(data, course)
  const others = new Float64Array(frames)
  for (let j = 0; j < stars; j++) {
    for (let i = 0; i < frames; i++) {
      const { left, weight } = pointOf(data, extra, j, i)
      const bottom = sums.bottom[i]! - weight * strength[j]! ** 2
      others[i] = bottom > 0 ? (sums.top[i]! - weight * strength[j]! * left) / bottom : 0
    }
    const own = followedBeside(rowOf(data, j, others), usual)
    if (!(Math.abs(own.strength) >= FOLLOWS * own.error)) continue
    for (let i = 0; i < frames; i++) value[j * frames + i]! -= own.strength * (others[i]! - own.level)
  }
}

const rowOf = ({ value, error, frames }: Curves, j: number, course: Float64Array) => ({
  ...{ value: value.subarray(j * frames, (j + 1) * frames), error: error.subarray(j * frames, (j + 1) * frames) },
  course,
})

/** Nothing is usual. */
const UNKNOWN: Usual = { middle: 0, scatter: 0 }
/** Stars that tell what is usual, at least. */
const FEWEST = 8

/** How strongly stars follow a course: of the better half of them, their own errors taken out. */
function usualOf(data: Curves, course: Float64Array): Usual {
  const all = Array.from({ length: data.stars }, (_, j) => followedBeside(rowOf(data, j, course), UNKNOWN))
  const known = all.filter(({ error }) => Number.isFinite(error)).sort((a, b) => a.error - b.error)
  const best = known.slice(0, Math.max(FEWEST, known.length >> 1))
  if (best.length < FEWEST) return UNKNOWN
  const strengths = best.map(({ strength }) => strength)
  const middle = medianOf([...strengths])
  const noise = medianOf(best.map(({ error }) => error))
  const scatter = MAD_TO_SIGMA * mad(strengths)
  return { middle, scatter: Math.sqrt(Math.max(scatter ** 2 - noise ** 2, (0.1 * noise) ** 2)) }
}

/** The variance of each star that its errors do not explain. */
function restlessness({ value, error, stars, frames, mean }: Curves): Float64Array {
  return Float64Array.from({ length: stars }, (_, j) => {
    let [excess, points] = [0, 0]
    for (let p = j * frames; p < (j + 1) * frames; p++) {
      const left = value[p]! - mean[j]!
      if (!Number.isFinite(left)) continue
      excess += left * left - error[p]! ** 2
      points++
    }
    return points > 0 ? Math.max(0, excess / points) : 0
  })
}

/** What is left of a point, and how much it counts for the course; nothing where it is missing. */
function pointOf({ value, error, frames, mean }: Curves, extra: Float64Array, j: number, i: number) {
  const p = j * frames + i
  const left = value[p]! - mean[j]!
  return Number.isFinite(left) ? { left, weight: 1 / (error[p]! ** 2 + extra[j]!) } : { left: 0, weight: 0 }
}

/** How strongly a star follows a course, by least squares. */
function strengthOf({ value, error, frames, mean }: Curves, j: number, course: Float64Array): number {
  let [top, bottom] = [0, 0]
  for (let i = 0; i < frames; i++) {
    const p = j * frames + i
    const left = value[p]! - mean[j]!
    if (!Number.isFinite(left)) continue
    const weight = 1 / error[p]! ** 2
    top += weight * left * course[i]!
    bottom += weight * course[i]! ** 2
  }
  return bottom > 0 ? top / bottom : 0
}

/** The sums whose ratio is the course, frame by frame, given the strengths. */
function sumFrames(
  data: Curves,
  extra: Float64Array,
  strength: Float64Array,
  { top, bottom }: { top: Float64Array; bottom: Float64Array },
): void {
  top.fill(0)
  bottom.fill(0)
  for (let j = 0; j < data.stars; j++) {
    for (let i = 0; i < data.frames; i++) {
      const { left, weight } = pointOf(data, extra, j, i)
      top[i]! += weight * strength[j]! * left
      bottom[i]! += weight * strength[j]! ** 2
    }
  }
}
