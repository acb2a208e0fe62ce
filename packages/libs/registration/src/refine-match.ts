import { medianOf } from '@nightpipe/math'
import { type Affine, transform } from './affine.js'
import { excessScatter } from './excess.js'
import { type AffineFit, fitAffine, fitSimilarity } from './fit-affine.js'
import { nearestWithin, type Points } from './nearest.js'

/** Points with the one-sigma error of each in one direction, where it is known. */
export interface PointsWithErrors extends Points {
  error?: ArrayLike<number>
}

/** Pairs from which shear can be told. */
const FOR_AFFINE = 8
/** How many numbers are fitted to so many pairs. */
export const unknownsOf = (pairs: number) => (pairs >= FOR_AFFINE ? 6 : 4)
const ROUNDS = 10
/** Pairs further apart than so many times what they should be are set aside. */
const CLIP = 3.5
/** No pair closer than this is set aside, px: centroids are no better. */
const CLOSEST = 0.02
/** Median of the length of two normal deviates. */
const MEDIAN_LENGTH = Math.sqrt(2 * Math.LN2)

export interface RefinedMatch {
  transform: Affine
  pairs: [i: number, j: number][]
  /** Weighted root mean square distance of the pairs, px. */
  rms: number
  /** One sigma of each coefficient. */
  errors: Affine
}

/**
 * A rough transformation made as good as all stars make it: pairs are looked for within a radius that shrinks to what
 * they scatter by, and the fit is repeated. Pairs weigh by their errors, to which what they scatter by beyond these is
 * added. Few stars give a similarity, more an affine transformation.
 */
export function refineMatch(
  from: PointsWithErrors,
  to: PointsWithErrors,
  rough: Affine,
  tolerance: number,
): RefinedMatch | undefined {
  const mirrored = rough[0] * rough[4] - rough[1] * rough[3] < 0
  let current = rough
  let radius = 2 * tolerance
  let excess = tolerance
  let answer: RefinedMatch | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const expected = (i: number, j: number) => Math.hypot(from.error?.[i] ?? 0, to.error?.[j] ?? 0, excess)
    const near = pairsUnder(from, to, current, radius)
    const pairs = near.filter(
      ([i, j]) => distanceUnder(current, from, to, i, j) <= Math.max(CLOSEST, CLIP * expected(i, j)),
    )
    if (pairs.length < 3) return answer
    const weights = pairs.map(([i, j]) => 1 / Math.max(1e-4, expected(i, j)) ** 2)
    const fit = fitPairs(from, to, pairs, weights, mirrored)
    answer = { transform: fit.transform, pairs, rms: fit.rms, errors: fit.errors }
    const distances = pairs.map(([i, j]) => distanceUnder(fit.transform, from, to, i, j))
    const typical = medianOf(distances) / MEDIAN_LENGTH
    const known = pairs.map(([i, j]) => Math.hypot(from.error?.[i] ?? 0, to.error?.[j] ?? 0))
    excess = Math.min(excess, excessScatter(distances, known, unknownsOf(pairs.length)))
    radius = Math.min(radius, Math.max(0.5, 4 * CLIP * typical))
    current = fit.transform
  }
  return answer
}

export function pairsUnder(from: Points, to: Points, map: Affine, radius: number): [number, number][] {
  const n = from.x.length
  const moved = { x: new Float64Array(n), y: new Float64Array(n) }
  for (let i = 0; i < n; i++) [moved.x[i], moved.y[i]] = transform(map, from.x[i], from.y[i])
  return nearestWithin(moved, to, radius)
}

function fitPairs(
  from: Points,
  to: Points,
  pairs: readonly [number, number][],
  weights: readonly number[],
  mirrored: boolean,
): AffineFit {
  const of = ({ x, y }: Points, side: 0 | 1) => ({
    x: Float64Array.from(pairs, (pair) => x[pair[side]]),
    y: Float64Array.from(pairs, (pair) => y[pair[side]]),
  })
  const both = { from: of(from, 0), to: of(to, 1) }
  return pairs.length >= FOR_AFFINE ? fitAffine(both, weights) : fitSimilarity(both, { weights, mirrored })
}

function distanceUnder(map: Affine, from: Points, to: Points, i: number, j: number): number {
  const [x, y] = transform(map, from.x[i], from.y[i])
  return Math.hypot(x - to.x[j], y - to.y[j])
}
