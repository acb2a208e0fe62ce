import { leastSquares, medianOf, power } from '@nightpipe/math'
import type { BrightStars } from '@nightpipe/registration'
import { type CirclePlan, type Circles, circlesOf, planCircles } from './circles.js'
import { compareLight } from './compare-light.js'
import type { Places } from './examine.js'
import type { FrameInfo } from './frames.js'
import type { StackingConfig } from './schema.js'

/** A frame that is to be stacked, with its stars. */
export interface Examined {
  frame: FrameInfo
  stars: BrightStars
}

/** How a frame goes into the stack: (value - offset - surface) scale, with this weight. */
export interface Matched extends Examined {
  /** The frame that the others are matched to. */
  isReference: boolean
  scale: number
  scaleError: number
  /** Stars that the scale is from. */
  common: number
  offset: number
  surface?: Surface
  weight: number
  /** Where it is saturated. */
  saturated: Int32Array
}

/** What the sky of a frame differs by beyond its level: a + b x + c y + d x² + e xy + f y², of x and y between -1 and 1. */
export interface Surface {
  middle: [x: number, y: number]
  half: number
  terms: number[]
}

/** The frame whose stars are placed best: many, sharp, high above the noise. */
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
  reference: number,
  most: number,
): { x: Float64Array; y: Float64Array; plan: CirclePlan } {
  const { frame, stars } = frames[reference]
  const widths = frames.map((one) => one.stars.seeing).filter((value) => Number.isFinite(value))
  const widest = widths.length > 0 ? Math.min(Math.max(...widths), 2 * medianOf(widths)) : 3
  const radius = Math.min(LARGEST, Math.max(4, circleFor(widths) * widest))
  const lonely = ALONE.map((reach) => aloneStars(stars, reach * radius, most))
  const kept = lonely.find(({ length }, k) => length >= ENOUGH[k]) ?? aloneStars(stars, 0, most)
  return {
    x: Float64Array.from(kept, (k) => stars.x[k] + frame.x0),
    y: Float64Array.from(kept, (k) => stars.y[k] + frame.y0),
    plan: planCircles(radius, widest),
  }
}

/** Radii within which a star has no neighbour, in circles, and how many such stars are enough. */
const ALONE = [2.2, 1.6]
const ENOUGH = [40, 20]

function aloneStars(stars: BrightStars, radius: number, most: number): number[] {
  const kept: number[] = []
  for (let k = 0; k < stars.count && kept.length < most; k++) {
    if (stars.rough[k] === 0 && standsAlone(stars, k, radius)) kept.push(k)
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

/** Scale, sky and weight of every frame, relative to the reference. */
export function matchFrames(
  frames: readonly Examined[],
  places: readonly Places[],
  reference: number,
  nodes: { x: Float64Array; y: Float64Array },
  plan: CirclePlan,
  config: StackingConfig,
): Matched[] {
  const circles = circlesOf(plan)
  return frames.map((one, k) => {
    const { scale, error, common } = scaleOf(frames, places, k, reference, circles, config.match.scale)
    const sky = skyOf(one, places[k], places[reference], frames[reference], scale, nodes, config.match.background)
    // interpolation smooths: what counts is the noise of sums
    const noise = scale * one.stars.skySigma * one.frame.noiseFactor
    const depth = noise > 0 ? 1 / noise ** 2 : 0
    const weight = {
      ...{ depth, seeing: one.stars.seeing > 0 ? depth / one.stars.seeing ** 2 : 0, none: 1 },
      exposure: one.frame.exposureSeconds ?? 1,
    }[config.combine.weights as 'depth']
    const { saturated } = places[k]
    return { ...one, isReference: k === reference, scale, scaleError: error, common, ...sky, weight, saturated }
  })
}

function scaleOf(
  frames: readonly Examined[],
  places: readonly Places[],
  k: number,
  reference: number,
  circles: Circles,
  how: string,
) {
  const counted = places[k].stars.sigma.length
  if (how === 'none' || k === reference) return { scale: 1, error: 0, common: k === reference ? counted : 0 }
  const [ours, theirs] = [frames[k].frame.exposureSeconds, frames[reference].frame.exposureSeconds]
  const byTime = { scale: ours && theirs ? theirs / ours : 1, error: Number.NaN, common: 0 }
  if (how === 'exposure') return byTime
  const sighting = (one: number) => ({
    ...{ stars: places[one].stars, seeing: frames[one].stars.seeing },
    ...{ gain: frames[one].frame.gain ?? 1, noiseFactor: frames[one].frame.noiseFactor },
  })
  return compareLight(sighting(reference), sighting(k), circles) ?? byTime
}

/** Nodes in common that a difference is believed from. */
const NODES = 12

/** The level to take off so that, once scaled, the frame lies at 0 where the reference has its sky. */
function skyOf(
  { stars }: Examined,
  own: Places,
  reference: Places,
  { stars: referenceStars }: Examined,
  scale: number,
  nodes: { x: Float64Array; y: Float64Array },
  how: string,
): { offset: number; surface?: Surface } {
  if (how === 'none') return { offset: referenceStars.sky / scale }
  const both = Array.from(nodes.x, (_, k) => k).filter((k) => Number.isFinite(own.sky[k] + reference.sky[k]))
  if (both.length < NODES) return { offset: stars.sky }
  const difference = both.map((k) => own.sky[k] - (reference.sky[k] - referenceStars.sky) / scale)
  const offset = medianOf(difference)
  if (how === 'level' || both.length < 2 * NODES) return { offset }
  const all = own.sky.reduce((sum, value) => sum + (Number.isFinite(value) ? 1 : 0), 0)
  const count = both.length < CURVED * all ? PLANE : CURVES
  const at = both.map((k) => [nodes.x[k], nodes.y[k]])
  return { offset, surface: fitSurface(at, difference, offset, count) }
}

/** Of a frame that has less than this part of its sky in common with the reference only a plane is known beyond. */
const CURVED = 0.5
/** Terms of a plane, and of a quadratic surface. */
const PLANE = 3
const CURVES = 6

/** The first `count` terms of a surface, without the nodes that lie off it. */
function fitSurface(
  at: readonly (readonly number[])[],
  values: readonly number[],
  level: number,
  count: number,
): Surface {
  const range = (axis: 0 | 1) => [Math.min(...at.map((p) => p[axis])), Math.max(...at.map((p) => p[axis]))]
  const [[x0, x1], [y0, y1]] = [range(0), range(1)]
  const middle: [number, number] = [(x0 + x1) / 2, (y0 + y1) / 2]
  const half = Math.max(1, x1 - x0, y1 - y0) / 2
  const design = new Float64Array(at.length * count)
  for (const [k, [x, y]] of at.entries()) {
    const row = termsAt((x - middle[0]) / half, (y - middle[1]) / half)
    for (let i = 0; i < count; i++) design[k * count + i] = row[i]
  }
  let kept = at.map((_, k) => k)
  let terms: number[] = new Array(CURVES).fill(0)
  const residuals = new Float64Array(at.length)
  for (let round = 0; round < 4; round++) {
    if (kept.length < 2 * count) break
    const rows = new Float64Array(kept.length * count)
    const above = new Float64Array(kept.length)
    for (const [n, k] of kept.entries()) {
      for (let i = 0; i < count; i++) rows[n * count + i] = design[k * count + i]
      above[n] = values[k] - level
    }
    const { solution } = leastSquares(rows, above, count)
    terms = Array.from(terms, (_, i) => solution[i] ?? 0)
    for (const k of residuals.keys()) {
      let rest = values[k] - level
      for (let i = 0; i < count; i++) rest -= design[k * count + i] * terms[i]
      residuals[k] = Math.abs(rest)
    }
    const limit = 3 * 1.4826 * medianOf(kept.map((k) => residuals[k])) + 1e-9
    kept = at.map((_, k) => k).filter((k) => residuals[k] <= limit)
  }
  return { middle, half, terms }
}

const termsAt = (x: number, y: number): number[] => [1, x, y, x * x, x * y, y * y]
