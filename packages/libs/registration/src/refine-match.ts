import { medianOf } from '@nightpipe/math'
import { type Affine, transform } from './affine.js'
import { type AffineFit, fitAffine, fitSimilarity } from './fit-affine.js'
import { nearestWithin, type Points } from './nearest.js'

/** Pairs from which shear can be told. */
const FOR_AFFINE = 8
const ROUNDS = 6
/** Pairs further apart than so many times the median distance are set aside: 3.3 sigma of two coordinates. */
const CLIP = 2.8
/** No pair closer than this is set aside, px: centroids are no better. */
const CLOSEST = 0.03

export interface RefinedMatch {
  transform: Affine
  pairs: [i: number, j: number][]
  rms: number
}

/**
 * A rough transformation made as good as all stars make it: pairs are looked for within a radius that shrinks to what
 * they scatter by, and the fit is repeated. Few stars give a similarity, more an affine transformation.
 */
export function refineMatch(from: Points, to: Points, rough: Affine, tolerance: number): RefinedMatch | undefined {
  const mirrored = rough[0] * rough[4] - rough[1] * rough[3] < 0
  let current = rough
  let radius = 2 * tolerance
  let answer: RefinedMatch | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const pairs = pairsUnder(from, to, current, radius)
    if (pairs.length < 3) return answer
    const fit = fitPairs(from, to, pairs, mirrored)
    answer = { transform: fit.transform, pairs, rms: fit.rms }
    const distances = pairs.map(([i, j]) => distanceUnder(fit.transform, from, to, i, j))
    radius = Math.min(radius, Math.max(CLOSEST, CLIP * medianOf(distances)), 2 * tolerance)
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

function fitPairs(from: Points, to: Points, pairs: readonly [number, number][], mirrored: boolean): AffineFit {
  const of = ({ x, y }: Points, side: 0 | 1) => ({
    x: Float64Array.from(pairs, (pair) => x[pair[side]]),
    y: Float64Array.from(pairs, (pair) => y[pair[side]]),
  })
  const both = { from: of(from, 0), to: of(to, 1) }
  return pairs.length >= FOR_AFFINE ? fitAffine(both) : fitSimilarity(both, { mirrored })
}

function distanceUnder(map: Affine, from: Points, to: Points, i: number, j: number): number {
  const [x, y] = transform(map, from.x[i], from.y[i])
  return Math.hypot(x - to.x[j], y - to.y[j])
}
