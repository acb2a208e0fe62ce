import { power } from '@nightpipe/math'
import { angularSeparation } from '@nightpipe/sky'
import { nearestPoint } from './nearest.js'
import { hashQuads, type QuadHash } from './quad-hash.js'
import { type Attitude, attitudeOfPair, tanOf } from './sky-attitude.js'
import { logFalseMatch } from './sky-chance.js'
import { coverCap } from './sky-cover.js'
import { type Patch, type SkyPoints, searchPatch, skyPatch } from './sky-patch.js'
import { type FrameStars, type Refined, refine, type Size } from './sky-refine.js'
import { cameraVectors, directionOf } from './sky-vectors.js'

const RADIANS = Math.PI / 180

/** The stars of the sky within `radius` degrees of a direction, brightest first, `most` of them if there are more. */
export type SkySource = (ra: number, dec: number, radius: number, most: number) => SkyPoints

/** Where and how large the field may be. */
export interface SkyHints {
  /** The middle of the frame, degrees, and how far off it may be: 180 is the whole sky. */
  ra: number
  dec: number
  radius: number
  /** Arcseconds per pixel, from and to. */
  scale: readonly [number, number]
  /** Whether north up has east left ('normal'), right ('mirrored'), or either. */
  hand: 'normal' | 'mirrored' | 'either'
  /** Most matches by chance, in the whole search, that a solution may be expected to have. */
  falseMatch: number
  /** Highest order of the polynomials that a solution is tried with. */
  mostOrder: number
}

export const SKY_HINTS: SkyHints = {
  ...{ ra: 0, dec: 0, radius: 180, scale: [0.1, 100] as const, hand: 'either' as const },
  ...{ falseMatch: 1e-9, mostOrder: 4 },
}

export interface SkySolution extends Refined {
  /** The stars of the sky that the match counts in. */
  sky: SkyPoints
  /** Solutions looked at, this one being the last. */
  hypotheses: number
}

/** What was tried in vain, for the person who must find out why. */
export interface SkyFailure {
  hypotheses: number
  quads: number
  /** The best of what chance made. */
  best?: { matched: number; offered: number; logFalse: number }
}

/** How a pass looks: stars of the frame, stars of the sky for each area of a frame, quads and how alike they must be. */
interface Pass {
  stars: number
  density: number
  tolerance: number
  /** AB in units of the shorter side. */
  lengths: readonly [number, number]
  inside: readonly [frame: number, sky: number]
}

const PASSES: readonly Pass[] = [
  { stars: 30, density: 24, tolerance: 0.005, lengths: [0.15, 0.6], inside: [10, 6] },
  { stars: 60, density: 48, tolerance: 0.008, lengths: [0.12, 0.4], inside: [12, 8] },
  { stars: 36, density: 30, tolerance: 0.015, lengths: [0.15, 0.5], inside: [10, 6] },
  { stars: 120, density: 110, tolerance: 0.008, lengths: [0.08, 0.25], inside: [12, 8] },
]

/** With fewer stars than this on the frame, quads of all sizes are taken. */
const SPARSE = 25

/** Quads are compared as they lie on the sphere, which takes a scale: one that is off by more than this will not do. */
const SCALE_STEP = 1.5

/**
 * The plate solution of a frame from its stars (brightest first) and a catalogue. Groups of four stars of the sky that have
 * the shape of four stars of the frame each give an attitude; one that brings more stars together than chance can is
 * refined, and taken when the refined match cannot be chance either.
 */
export function solveField(
  stars: FrameStars,
  size: Size,
  source: SkySource,
  options: Partial<SkyHints> = {},
): SkySolution | SkyFailure {
  const hints = { ...SKY_HINTS, ...options }
  const tally: Tally = { hypotheses: 0, quads: 0 }
  const sky = rememberLast(source)
  for (const [k, pass] of PASSES.entries()) {
    // where the frame has no more stars to offer, only greater tolerance makes a difference
    const before = PASSES[k - 1]
    if (before && stars.x.length <= Math.min(SPARSE, before.stars) && pass.tolerance <= before.tolerance * 1.7) continue
    for (const scale of scaleSteps(hints.scale)) {
      const solution = solveAtScale(stars, size, sky, hints, pass, scale, tally)
      if (solution) return { ...solution, hypotheses: tally.hypotheses }
    }
  }
  return tally
}

export const isSolved = (result: SkySolution | SkyFailure): result is SkySolution => 'wcs' in result

type Tally = SkyFailure

/** The passes ask for the same patch again where there is only one. */
function rememberLast(source: SkySource): SkySource {
  let last: { key: string; stars: SkyPoints } | undefined
  return (...asked) => {
    const key = asked.join()
    if (last?.key !== key) last = { key, stars: source(...asked) }
    return last.stars
  }
}

/** Ranges of scale in arcseconds, the middle of all first. */
function scaleSteps([low, high]: readonly [number, number]): [number, number][] {
  const count = Math.max(1, Math.ceil(Math.log(high / low) / Math.log(SCALE_STEP)))
  const step = power(high / low, 1 / count)
  const ranges = Array.from({ length: count }, (_, k): [number, number] => [
    low * power(step, k),
    low * power(step, k + 1),
  ])
  const middle = (count - 1) / 2
  return ranges
    .map((range, k) => ({ range, off: Math.abs(k - middle) }))
    .sort((a, b) => a.off - b.off)
    .map(({ range }) => range)
}

function solveAtScale(
  stars: FrameStars,
  size: Size,
  source: SkySource,
  hints: SkyHints,
  pass: Pass,
  range: [number, number],
  tally: Tally,
): (Refined & { sky: SkyPoints }) | undefined {
  const [low, high] = range.map((arcsec) => (arcsec / 3600) * RADIANS)
  const middle = Math.sqrt(low * high)
  const side = Math.min(size.width, size.height)
  const diagonal = Math.hypot(size.width, size.height)
  const centre: [number, number] = [(size.width - 1) / 2, (size.height - 1) / 2]
  const first = brightest(stars, pass.stars)
  const sparse = first.x.length < SPARSE
  const [shortest, longest] = sparse ? [0.1, Math.min(diagonal / side, 1)] : pass.lengths
  const hash = hashQuads(cameraVectors(first.x, first.y, centre, middle, 1), {
    lengths: [shortest * side * middle * 0.95, longest * side * middle * 1.05],
    inside: pass.inside[0],
    tolerance: pass.tolerance,
  })
  tally.quads += hash.count
  if (hash.count === 0) return undefined
  const halfDiagonal = (Math.atan((diagonal / 2) * high) / RADIANS) * 1.02
  const area = (size.width * size.height * middle * middle) / RADIANS ** 2
  const search: Search = { stars, first, size, centre, hints, hash, pass, middle, range: [low, high], tally }
  const most = Math.max(1.6, 4 / Math.sqrt(pass.density)) // patches of some fields, so that a wide search stays small
  for (const cap of coverCap(hints.ra, hints.dec, hints.radius, Math.max(4 * halfDiagonal, most * halfDiagonal))) {
    const reach = Math.min(180, cap.radius + halfDiagonal)
    const fields = (2 * Math.PI * (1 - Math.cos(reach * RADIANS))) / RADIANS ** 2 / area
    const known = source(cap.ra, cap.dec, reach, Math.ceil(Math.max(2000, 12 * 48 * fields)))
    const cell = Math.sqrt(area) / 2
    const patch = skyPatch(cap.ra, cap.dec, known, cell, Math.max(2, Math.round(pass.density / 4)))
    const found = searchIn(patch, known, search, [
      Math.max(shortest, (shortest * low) / middle) * side * middle,
      longest * side * middle,
    ])
    if (found) return { ...found, sky: known }
  }
  return undefined
}

/** The first stars, but none so near to one before it that the two are one to the catalogue. */
function brightest({ x, y }: FrameStars, most: number): FrameStars {
  const kept: number[] = []
  for (let k = 0; k < x.length && kept.length < most; k++) {
    if (kept.every((l) => Math.hypot(x[k] - x[l], y[k] - y[l]) > 3)) kept.push(k)
  }
  return { x: Float64Array.from(kept, (k) => x[k]), y: Float64Array.from(kept, (k) => y[k]) }
}

interface Search {
  stars: FrameStars
  first: FrameStars
  size: Size
  centre: [number, number]
  hints: SkyHints
  hash: QuadHash
  pass: Pass
  middle: number
  range: readonly [number, number]
  tally: Tally
}

/** Of the diagonal: how far from their places the stars of a first attitude may lie. */
const FIRST_RADIUS = 0.01
/** log10 of the chance below which a first attitude is worth to be refined. */
const WORTH_REFINING = -3.5

function searchIn(
  patch: Patch,
  sky: SkyPoints,
  search: Search,
  lengths: readonly [number, number],
): Refined | undefined {
  const { first, size, centre, hints, hash, pass, middle, range, tally } = search
  const hands =
    hints.hand === 'either' ? ([-1, 1] as const) : hints.hand === 'normal' ? ([-1] as const) : ([1] as const)
  let found: Refined | undefined
  searchPatch(patch, { hash, lengths, inside: pass.inside[1], hands }, (frame, stars, ratio, hand) => {
    const scale = middle * ratio
    if (scale < range[0] * 0.99 || scale > range[1] * 1.01) return false
    const attitude = attitudeOfPair(first, centre, frame, patch.vectors, stars, scale, hand)
    const middleOfFrame = directionOf(attitude.turn[2], attitude.turn[5], attitude.turn[8])
    if (angularSeparation(middleOfFrame, [hints.ra, hints.dec]) > hints.radius * 1.02) return false
    tally.hypotheses++
    const count = countOnPatch(patch, first, centre, attitude, FIRST_RADIUS * Math.hypot(size.width, size.height))
    if (logFalseMatch({ ...count, fitted: 8, hypotheses: 1 }) > WORTH_REFINING) return false
    const { hypotheses } = tally
    const radius = FIRST_RADIUS * Math.hypot(size.width, size.height)
    const refined = refine(tanOf(attitude, centre), search.stars, sky, size, {
      radius,
      mostOrder: hints.mostOrder,
      hypotheses,
    })
    if (!refined) return false
    const best = { matched: refined.match.star.length, offered: refined.offered, logFalse: refined.logFalse }
    if (!tally.best || best.logFalse < tally.best.logFalse) tally.best = best
    if (!acceptable(refined, hints)) return false
    found = refined
    return true
  })
  return found
}

/** How many of the first stars have a star of the patch where the attitude puts them. */
function countOnPatch(
  { axes, grid }: Patch,
  { x, y }: FrameStars,
  centre: readonly [number, number],
  attitude: Attitude,
  radiusPx: number,
): { offered: number; matched: number; chance: number } {
  const { turn, scale, hand } = attitude
  const radius = radiusPx * scale
  // camera to the axes of the patch
  const whole = new Float64Array(9)
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      whole[3 * i + j] = axes[3 * i] * turn[j] + axes[3 * i + 1] * turn[3 + j] + axes[3 * i + 2] * turn[6 + j]
    }
  }
  let [offered, matched, expected] = [0, 0, 0]
  const density = grid.points.x.length / Math.max(1e-30, grid.columns * grid.rows * grid.cell ** 2)
  for (let k = 0; k < x.length; k++) {
    const [p, q] = [hand * scale * (x[k] - centre[0]), scale * (y[k] - centre[1])]
    const depth = whole[6] * p + whole[7] * q + whole[8]
    if (!(depth > 0)) continue
    const [u, v] = [(whole[0] * p + whole[1] * q + whole[2]) / depth, (whole[3] * p + whole[4] * q + whole[5]) / depth]
    // a plane that lies obliquely to the camera shows the same circle larger
    const stretch = Math.min(4, (1 + u * u + v * v) / (1 + p * p + q * q))
    offered++
    expected += Math.min(1, density * Math.PI * (radius * stretch) ** 2)
    if (nearestPoint(grid, u, v, radius * stretch) >= 0) matched++
  }
  return { offered, matched, chance: offered > 0 ? Math.min(0.999, expected / offered) : 1 }
}

/** A solution that chance cannot have made, with square pixels, of a scale and at a place that were asked for. */
function acceptable({ wcs, logFalse }: Refined, { falseMatch, scale, ra, dec, radius }: SkyHints): boolean {
  if (logFalse > Math.log10(falseMatch)) return false
  const [a, b, c, d] = wcs.linear.matrix
  const [sum, product] = [a * a + b * b + c * c + d * d, Math.abs(a * d - b * c)]
  if (sum > 2.02 * product) return false // sides differ, or are oblique, by more than about 15 %
  const arcsec = Math.sqrt(product) * 3600
  if (arcsec < scale[0] * 0.98 || arcsec > scale[1] * 1.02) return false
  return angularSeparation(wcs.linear.sky, [ra, dec]) <= radius * 1.02 + 0.05 * arcsec
}
