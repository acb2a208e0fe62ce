import { type Affine, transform } from './affine.js'
import { chooseModel, MODELS, type Model, mapOf, type StoredMap, UNKNOWNS } from './choose-model.js'
import { excessScatter } from './excess.js'
import type { PointPairs } from './fit-affine.js'
import { type MatchOptions, matchPatterns, type PatternMatch } from './match-patterns.js'
import { nearestWithin, type Points } from './nearest.js'
import { type PointsWithErrors, refineMatch, unknownsOf } from './refine-match.js'

/** Stars of a frame as they are brought together with those of another one. */
export interface AlignedStars extends PointsWithErrors {
  flux: ArrayLike<number>
}

export interface AlignOptions extends Partial<MatchOptions> {
  /** The transformations to choose from (all). */
  models?: readonly Model[]
  /** A transformation that is nearly right already, instead of patterns. */
  rough?: Affine
}

/** How a frame lies on the reference. */
export interface Alignment {
  /** From a pixel of the reference to its place in the frame. */
  map: StoredMap
  /** The same, rougher, when the map is a polynomial. */
  affine: Affine
  model: Model
  /** Weighted root mean square distance of the stars, px of the frame. */
  rms: number
  pairs: [i: number, j: number][]
  falseMatchProbability: number
}

/** Detections of both frames that are this near each other, px, may belong to the detector and not to the sky. */
const STAYS = 0.35
/** A frame has moved when one of its corners moved by more than this, px. */
const MOVED = 1.5
/** Fewer than so many detections that did not stay say nothing. */
const FEWEST = 6

/**
 * The transformation from the reference to a frame, from their stars. Hot pixels, which stay where they are while the
 * stars move, do not deceive it: where all agrees on no motion, what does not stay is asked as well.
 */
export function alignStars(
  reference: AlignedStars,
  frame: AlignedStars,
  options: AlignOptions = {},
): Alignment | undefined {
  const tolerance = options.tolerance ?? 1.5
  const match = options.rough ? known(reference, frame, options.rough, tolerance) : bestMatch(reference, frame, options)
  if (!match) return undefined
  const mirrored = match.transform[0] * match.transform[4] - match.transform[1] * match.transform[3] < 0
  let pairs = match.pairs
  const rough = { at: mapOf({ affine: match.transform }), unknowns: unknownsOf(pairs.length) }
  let fit = fitPairs(reference, frame, pairs, rough, mirrored, options.models ?? MODELS)
  if (!fit) return undefined
  if ('polynomial' in fit.map) {
    const again = pairsUnderMap(reference, frame, fit.map, Math.max(0.2, 4 * fit.rms))
    const before = { at: mapOf(fit.map), unknowns: UNKNOWNS[fit.model] }
    const better = fitPairs(reference, frame, again, before, mirrored, [fit.model])
    if (better && again.length >= pairs.length / 2) [pairs, fit] = [again, better]
  }
  return { ...fit, affine: match.transform, pairs, falseMatchProbability: match.falseMatchProbability }
}

function known(
  reference: AlignedStars,
  frame: AlignedStars,
  rough: Affine,
  tolerance: number,
): PatternMatch | undefined {
  const refined = refineMatch(reference, frame, rough, tolerance)
  return refined && { ...refined, falseMatchProbability: 0 }
}

function bestMatch(reference: AlignedStars, frame: AlignedStars, options: AlignOptions): PatternMatch | undefined {
  const match = matchPatterns(reference, frame, options)
  if (match && moves(match.transform, reference)) return match
  const stay = nearestWithin(reference, frame, STAYS)
  if (stay.length < FEWEST) return match
  const [a, b] = [without(reference, new Set(stay.map(([i]) => i))), without(frame, new Set(stay.map(([, j]) => j)))]
  // where nearly all stays, the sky stays as well
  if (Math.min(a.kept.length, b.kept.length) < Math.max(FEWEST, 0.15 * Math.min(reference.x.length, frame.x.length))) {
    return match
  }
  const moving = matchPatterns(a.stars, b.stars, { ...options, brightest: [20, 40] })
  if (!moving || !moves(moving.transform, reference)) return match
  return { ...moving, pairs: moving.pairs.map(([i, j]) => [a.kept[i], b.kept[j]]) }
}

function moves(map: Affine, { x, y }: Points): boolean {
  for (let k = 0; k < x.length; k++) {
    const [u, v] = transform(map, x[k], y[k])
    if (Math.hypot(u - x[k], v - y[k]) > MOVED) return true
  }
  return false
}

function without(stars: AlignedStars, left: ReadonlySet<number>): { stars: AlignedStars; kept: number[] } {
  const kept = Array.from(stars.x, (_, k) => k).filter((k) => !left.has(k))
  const of = (values: ArrayLike<number>) => Float64Array.from(kept, (k) => values[k])
  const error = stars.error && of(stars.error)
  return { kept, stars: { x: of(stars.x), y: of(stars.y), flux: of(stars.flux), ...(error ? { error } : {}) } }
}

function fitPairs(
  reference: AlignedStars,
  frame: AlignedStars,
  pairs: readonly [number, number][],
  before: { at: (x: number, y: number) => readonly [number, number]; unknowns: number },
  mirrored: boolean,
  models: readonly Model[],
) {
  if (pairs.length < 2) return undefined
  const of = ({ x, y }: Points, side: 0 | 1) => ({
    x: Float64Array.from(pairs, (pair) => x[pair[side]]),
    y: Float64Array.from(pairs, (pair) => y[pair[side]]),
  })
  const both: PointPairs = { from: of(reference, 0), to: of(frame, 1) }
  const errors = pairs.map(([i, j]) => Math.hypot(reference.error?.[i] ?? 0, frame.error?.[j] ?? 0))
  const distances = pairs.map(([i, j]) => {
    const [x, y] = before.at(reference.x[i], reference.y[i])
    return Math.hypot(x - frame.x[j], y - frame.y[j])
  })
  const excess = excessScatter(distances, errors, before.unknowns)
  const weights = errors.map((error) => 1 / (error ** 2 + excess ** 2))
  return chooseModel(both, weights, mirrored ? models.filter((model) => model !== 'shift') : models, mirrored)
}

function pairsUnderMap(reference: AlignedStars, frame: AlignedStars, map: StoredMap, radius: number) {
  const at = mapOf(map)
  const moved = { x: new Float64Array(reference.x.length), y: new Float64Array(reference.x.length) }
  for (let k = 0; k < moved.x.length; k++) [moved.x[k], moved.y[k]] = at(reference.x[k], reference.y[k])
  return nearestWithin(moved, frame, radius)
}
