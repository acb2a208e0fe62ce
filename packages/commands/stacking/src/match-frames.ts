import type { SkyMap } from '@nightpipe/image'
import { medianOf, power } from '@nightpipe/math'
import type { BrightStars } from '@nightpipe/registration'
import { type CirclePlan, planCircles } from './circles.js'
import type { Places } from './examine.js'
import type { FrameInfo } from './frames.js'
import type { Match, Measured } from './match-frame.js'

/** A frame that is to be stacked, with its stars. */
export interface Examined {
  frame: FrameInfo
  stars: BrightStars
  map: SkyMap
}

/** How a frame goes into the stack: (value - offset - surface) scale, with this weight. */
export interface Matched extends Examined, Match {
  /** The frame that the others are matched to. */
  isReference: boolean
  weight: number
  /** Where it is saturated. */
  saturated: Int32Array
}

/** Number of the frame whose stars are placed best: many, sharp, high above the noise. */
export function referenceOf(frames: readonly Examined[]): number {
  const information = ({ stars }: Examined) => stars.error.reduce((sum, error) => sum + 1 / error ** 2, 0)
  let best = 0
  for (const k of frames.keys()) if (information(frames[k]) > information(frames[best])) best = k
  return best
}

/** Circles are so many times as wide as the widest stars, the smaller the less the seeing changes. */
const CIRCLES = [1.7, 2.1, 2.6]
const LARGEST = 25
/** A change of the seeing may change what is in a circle by so much. */
const LOST = 5e-4
/**
 * The smallest circle of which the seeing takes no more than 0.0005 of the light of one frame relative to another, or the
 * largest: of a Moffat profile of exponent 3, the wings of which are about those of real stars. What it takes is put right, as
 * well as the growth of the light within the circle tells it.
 */
function circleFor(widths: readonly number[]): number {
  if (widths.length < 2) return CIRCLES[0]
  const middle = medianOf(widths)
  const change = Math.sqrt(widths.reduce((sum, w) => sum + Math.log(w / middle) ** 2, 0) / widths.length)
  const lost = (u: number) => (4 * u * u * change) / power(1 + u * u, 3)
  return CIRCLES.find((u) => lost(u) < LOST) ?? CIRCLES[CIRCLES.length - 1]
}

/**
 * Stars of the reference on the common grid, and the circles in which they are compared: those that stand alone, as long as there are
 * enough of them.
 */
export function placesOf(
  frames: readonly Examined[],
  { frame, stars }: Examined,
  most: number,
): { x: Float64Array; y: Float64Array; plan: CirclePlan } {
  const widths = frames.map((one) => one.stars.seeing).filter((value) => Number.isFinite(value))
  const widest = widths.length > 0 ? Math.min(Math.max(...widths), 2 * medianOf(widths)) : 3
  const radius = Math.min(LARGEST, Math.max(4, circleFor(widths) * widest))
  const seen = seenElsewhere(frames, { frame, stars })
  const lonely = ALONE.map((reach) => aloneStars(stars, seen, reach * radius, most))
  const kept = lonely.find(({ length }, k) => length >= ENOUGH[k]) ?? aloneStars(stars, seen, 0, most)
  return {
    x: Float64Array.from(kept, (k) => stars.x[k] + frame.x0),
    y: Float64Array.from(kept, (k) => stars.y[k] + frame.y0),
    plan: planCircles(radius, widest),
  }
}

/** Radii within which a star has no neighbour, in circles, and how many such stars are enough. */
const ALONE = [2.2, 1.6]
const ENOUGH = [40, 20]

/** Two frames show one star where they have it this far apart at most, px. */
const NEAR = 1.5
/** Fewer stars of the reference than this in other frames tell nothing of what is a star. */
const FEWEST = 5

/** Which stars of the reference one other frame has at least: those that none has may be hits of particles. */
function seenElsewhere(frames: readonly Examined[], { frame, stars }: Pick<Examined, 'frame' | 'stars'>): boolean[] {
  const seen = Array.from({ length: stars.count }, () => false)
  for (const other of frames) {
    if (other.frame === frame) continue
    const [dx, dy] = [frame.x0 - other.frame.x0, frame.y0 - other.frame.y0]
    for (let k = 0; k < seen.length; k++) seen[k] ||= hasStar(other.stars, stars.x[k] + dx, stars.y[k] + dy)
  }
  return seen.filter((one) => one).length >= FEWEST ? seen : seen.map(() => true)
}

function hasStar(stars: BrightStars, x: number, y: number): boolean {
  for (let j = 0; j < stars.count; j++) {
    if (Math.abs(stars.x[j] - x) < NEAR && Math.abs(stars.y[j] - y) < NEAR) return true
  }
  return false
}

function aloneStars(stars: BrightStars, seen: readonly boolean[], radius: number, most: number): number[] {
  const kept: number[] = []
  for (let k = 0; k < stars.count && kept.length < most; k++) {
    if (seen[k] && stars.rough[k] === 0 && standsAlone(stars, k, radius)) kept.push(k)
  }
  return kept
}

/** No neighbour with a twentieth of its light within `radius`. */
function standsAlone({ x, y, flux, count }: BrightStars, k: number, radius: number): boolean {
  for (let j = 0; j < count; j++) {
    if (j === k || flux[j] < 0.05 * flux[k]) continue
    if (Math.hypot(x[j] - x[k], y[j] - y[k]) < radius) return false
  }
  return true
}

/** A frame as others are compared with it. */
export const measuredOf = ({ frame, stars }: Examined, places: Places): Measured => ({
  ...{ places, sky: stars.sky, seeing: stars.seeing, noiseFactor: frame.noiseFactor },
  ...{ gain: frame.gain, exposureSeconds: frame.exposureSeconds },
})

/** The weight of a frame that is multiplied by `scale`. Interpolation smooths: what counts is the noise of sums. */
export function weightOf({ frame, stars }: Examined, scale: number, weights: string): number {
  const noise = scale * stars.skySigma * frame.noiseFactor
  const depth = noise > 0 ? 1 / noise ** 2 : 0
  return {
    ...{ depth, seeing: stars.seeing > 0 ? depth / stars.seeing ** 2 : 0, none: 1 },
    exposure: frame.exposureSeconds ?? 1,
  }[weights as 'depth']
}
