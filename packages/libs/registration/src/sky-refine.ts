import { makeWcs, type TanSolution, type Wcs } from '@nightpipe/sky'
import { nearestWithin } from './nearest.js'
import { logFalseMatch } from './sky-chance.js'
import { wcsOfPlate } from './sky-distortion.js'
import type { SkyPoints } from './sky-patch.js'
import { fitPlate, type Plate, type PlatePairs, termCount } from './sky-plate.js'
import { tangentAxes } from './sky-vectors.js'

/** Stars of a frame, brightest first. Pixels count from 0. */
export interface FrameStars {
  x: Float64Array
  y: Float64Array
}

export interface Size {
  width: number
  height: number
}

/** Stars of the frame and of the sky that are the same: index pairs, and how far apart they lie on the frame. */
export interface SkyMatch {
  star: Int32Array
  sky: Int32Array
  distance: Float64Array
}

/** A first solution made better: partners found, the plate fitted to them, again and again, nearer and deeper. */
export interface Refined {
  plate: Plate
  wcs: Wcs
  match: SkyMatch
  /** Partners further apart than this were not taken, pixels. */
  radius: number
  /** Robust standard deviation of the partners' distance along one axis, pixels. */
  sigma: number
  /** log10 of the matches as good as this one that chance is expected to have made. */
  logFalse: number
  /** Stars of the frame and of the sky that were offered, and those that chance would have brought together. */
  offered: number
  offeredSky: number
  expected: number
}

/** How many radii and orders a refinement tries: each is one more chance for chance. */
const STEPS = 14
/** Partners by chance for each star that the first, wide radii may give. */
const CROWDING = 0.15
/** More stars of the sky than this do not make a solution surer, only later. */
const MOST_STARS = 400
/** Centroids of a good frame are better than this; it keeps a lucky handful from an absurdly small radius, pixels. */
const LEAST_RADIUS = 1

/** Stars of the sky that lie on a frame: which, and where. */
export interface OnFrame {
  index: Int32Array
  x: Float64Array
  y: Float64Array
}

/** Those in their own order (brightest first), at most `most`; no more of them are projected than it takes. */
export function starsOnFrame(wcs: Wcs, sky: SkyPoints, { width, height }: Size, most = sky.ra.length): OnFrame {
  const [index, xs, ys]: number[][] = [[], [], []]
  const [ra, dec] = [Float64Array.from(sky.ra), Float64Array.from(sky.dec)]
  for (let from = 0; from < ra.length && index.length < most; from += 512) {
    const { x, y } = wcs.toPixelMany(ra.subarray(from, from + 512), dec.subarray(from, from + 512))
    for (let k = 0; k < x.length && index.length < most; k++) {
      if (!(x[k] >= -0.5 && x[k] <= width - 0.5 && y[k] >= -0.5 && y[k] <= height - 0.5)) continue
      index.push(from + k)
      xs.push(x[k])
      ys.push(y[k])
    }
  }
  return { index: Int32Array.from(index), x: Float64Array.from(xs), y: Float64Array.from(ys) }
}

/** Stars that a solution like this may have on its frame, and their places in the list: far ones are not worth a projection. */
export function starsAround(
  { pixel, sky, matrix }: TanSolution,
  all: SkyPoints,
  { width, height }: Size,
): SkyPoints & { index: Int32Array } {
  const scale = Math.sqrt(Math.abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]))
  const reach = Math.hypot(Math.max(pixel[0], width - pixel[0]), Math.max(pixel[1], height - pixel[1])) * scale * 1.1
  const cosine = Math.cos((Math.min(180, reach) * Math.PI) / 180)
  const axes = tangentAxes(sky[0], sky[1])
  const index: number[] = []
  for (let k = 0; k < all.ra.length; k++) {
    if (Math.abs(all.dec[k] - sky[1]) > reach) continue
    const [a, d] = [(all.ra[k] * Math.PI) / 180, (all.dec[k] * Math.PI) / 180]
    const along = Math.cos(d) * (Math.cos(a) * axes[6] + Math.sin(a) * axes[7]) + Math.sin(d) * axes[8]
    if (along >= cosine) index.push(k)
  }
  const take = (values: ArrayLike<number>) => Float64Array.from(index, (k) => values[k])
  return { ra: take(all.ra), dec: take(all.dec), magnitude: take(all.magnitude), index: Int32Array.from(index) }
}

/** Partners nearest to one another and no further apart than `radius`: the first `offered` stars of the frame, all of the sky's. */
export function mutualMatch(stars: FrameStars, offered: number, onFrame: OnFrame, radius: number): SkyMatch {
  const first = { x: stars.x.subarray(0, offered), y: stars.y.subarray(0, offered) }
  const pairs = nearestWithin(first, onFrame, radius)
  return {
    star: Int32Array.from(pairs, ([k]) => k),
    sky: Int32Array.from(pairs, ([, k]) => onFrame.index[k]),
    distance: Float64Array.from(pairs, ([k, l]) => Math.hypot(first.x[k] - onFrame.x[l], first.y[k] - onFrame.y[l])),
  }
}

export function pairsOf(stars: FrameStars, sky: SkyPoints, match: Pick<SkyMatch, 'star' | 'sky'>): PlatePairs {
  return {
    x: Float64Array.from(match.star, (k) => stars.x[k]),
    y: Float64Array.from(match.star, (k) => stars.y[k]),
    ra: Float64Array.from(match.sky, (k) => sky.ra[k]),
    dec: Float64Array.from(match.sky, (k) => sky.dec[k]),
  }
}

/** The orders that the number of partners carries: 0 is a similarity. */
function orderFor(partners: number, most: number): number {
  if (partners < 8) return 0
  let order = 1
  while (order < most && partners >= 4 * termCount(order + 1)) order++
  return order
}

const fittedNumbers = (order: number) => (order === 0 ? 4 : 2 * termCount(order))

/** Distances in a robust sense: their median over that of a two-dimensional Gaussian of unit sigma on each axis. */
function sigmaOf(distance: Float64Array): number {
  const sorted = Float64Array.from(distance).sort()
  return sorted[sorted.length >> 1] / 1.1774
}

/**
 * From a rough solution to one whose partners lie within the noise, or undefined where it falls apart on the way. The wide
 * radii of the beginning look at bright stars only, so that chance seldom brings strangers together.
 */
export function refine(
  start: TanSolution,
  stars: FrameStars,
  all: SkyPoints,
  size: Size,
  { radius: first, mostOrder, hypotheses }: { radius: number; mostOrder: number; hypotheses: number },
): Refined | undefined {
  const sky = starsAround(start, all, size)
  const half = Math.max(size.width, size.height) / 2
  const area = size.width * size.height
  let wcs = makeWcs({ linear: start })
  let [radius, allowed] = [first, 1]
  let state: Refined | undefined
  for (let step = 0; step < STEPS; step++) {
    const most = Math.min(MOST_STARS, Math.max(12, Math.floor((CROWDING * area) / (Math.PI * radius * radius))))
    const onFrame = starsOnFrame(wcs, sky, size, most)
    const offered = Math.min(stars.x.length, Math.max(16, Math.ceil(1.5 * onFrame.index.length)))
    const match = mutualMatch(stars, offered, onFrame, radius)
    const count = match.star.length
    if (count < 3) return undefined
    const order = orderFor(count, allowed)
    const plate = fitPlate(pairsOf(stars, sky, match), { ...start, sky: wcs.linear.sky }, order, half, 2)
    wcs = wcsOfPlate(plate, 'SIP')
    const again = mutualMatch(stars, offered, starsOnFrame(wcs, sky, size, most), radius)
    if (again.star.length < 3) return undefined
    const sigma = sigmaOf(again.distance)
    const chance = 1 - Math.exp((-onFrame.index.length * Math.PI * radius * radius) / area)
    const logFalse = logFalseMatch({
      ...{ offered, matched: again.star.length, chance, fitted: fittedNumbers(order) },
      hypotheses: hypotheses * STEPS,
    })
    const counts = { offered, offeredSky: onFrame.index.length, expected: offered * chance }
    const found = { ...again, sky: again.sky.map((k) => sky.index[k]) }
    const now: Refined = { plate, wcs, match: found, radius, sigma, logFalse, ...counts }
    const next = Math.max(LEAST_RADIUS, Math.min(0.5 * radius, 4 * sigma + 0.5))
    const settled = next >= 0.95 * radius && order === orderFor(again.star.length, mostOrder)
    if (!state || now.logFalse <= state.logFalse || step < STEPS - 1) state = now
    if (settled) break
    allowed = Math.min(mostOrder, allowed + 1)
    radius = Math.min(radius, next)
  }
  return state
}

/** A solution that came from elsewhere, refined, with the chance that it is no solution. */
export const refineField = (
  start: TanSolution,
  stars: FrameStars,
  sky: SkyPoints,
  size: Size,
  options: { hypotheses: number; mostOrder: number },
): Refined | undefined =>
  refine(start, stars, sky, size, { ...options, radius: 0.01 * Math.hypot(size.width, size.height) })
