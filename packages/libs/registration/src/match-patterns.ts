import { inRows } from '@nightpipe/image'
import { type Affine, transform } from './affine.js'
import { logBinomialTail } from './chance.js'
import { nearestPoint, type PointGrid, type Points, pointGrid } from './nearest.js'
import { type PointsWithErrors, refineMatch } from './refine-match.js'
import { likeTriangles, type Triangles, trianglesOf } from './triangles.js'

/** Stars of a frame as columns. */
export interface StarList extends PointsWithErrors {
  flux: ArrayLike<number>
}

export interface MatchOptions {
  /** Whether the second frame is a mirror image of the first (false: neither turned over; 'either'). */
  mirrored: boolean | 'either'
  /** Scale of the second frame over that of the first: between these (0.95, 1.05). */
  scale: readonly [number, number]
  /** A star and its image are at most so far apart after the transformation, px (1.5). */
  tolerance: number
  /** Stars move by no more than this, px (any distance). */
  maximumShift: number
  /** A match more likely than this to be due to chance is none (1e-6). */
  chance: number
  /** Patterns are made of so many of the brightest stars, in turn (20, 40, 60). */
  brightest: readonly number[]
}

export interface PatternMatch {
  /** From the first frame to the second. */
  transform: Affine
  /** Stars of both frames: [of the first, of the second]. */
  pairs: [i: number, j: number][]
  /** Root mean square distance of the pairs, px. */
  rms: number
  /** How likely lists of stars that have nothing in common are to match so well somewhere. */
  falseMatchProbability: number
}

const DEFAULTS: MatchOptions = {
  ...{ mirrored: false, scale: [0.95, 1.05], tolerance: 1.5, maximumShift: Number.POSITIVE_INFINITY },
  ...{ chance: 1e-6, brightest: [20, 40, 60] },
}

/** Stars by which a candidate is judged, and those after which a poor one is given up. */
const JUDGES = 120
const FIRST_LOOK = 15
/** A match that is so unlikely to be due to chance need not be compared with others. */
const CERTAIN = Math.log(1e-20)

/**
 * Finds the transformation between two frames from their stars alone: shift, rotation, scale, mirrored or not. Triangles
 * of the brightest stars that look alike each suggest one; the one that brings most stars onto stars is kept, if chance
 * could not do as well. Undefined when the frames have too little in common. Neither list need be complete or pure.
 */
export function matchPatterns(
  from: StarList,
  to: StarList,
  options: Partial<MatchOptions> = {},
): PatternMatch | undefined {
  const wanted = { ...DEFAULTS, ...options }
  const [a, b] = [brightestFirst(from), brightestFirst(to)]
  let best: Candidate | undefined
  let last = 0
  for (const most of wanted.brightest) {
    const counts = [Math.min(most, a.order.length), Math.min(most, b.order.length)] as const
    if (Math.max(...counts) <= last || Math.min(...counts) < 3) break
    last = Math.max(...counts)
    const candidate = bestCandidate(a, b, counts, wanted)
    if (candidate && (!best || candidate.logChance < best.logChance)) best = candidate
    if (best && best.logChance < Math.min(CERTAIN, Math.log(wanted.chance))) break
  }
  if (!best || best.logChance > Math.log(wanted.chance)) return undefined
  const refined = refineMatch(from, to, best.transform, wanted.tolerance)
  return refined && { ...refined, falseMatchProbability: Math.exp(best.logChance) }
}

/** A list with its finite stars, the brightest first; of equals the first. What stands in a row is of a trail. */
interface Sorted extends Points {
  x: Float64Array
  y: Float64Array
  order: Int32Array
}

function brightestFirst({ x, y, flux }: StarList): Sorted {
  const all = Int32Array.from({ length: x.length }, (_, k) => k)
  const rows = inRows({ x, y })
  const order = all
    .filter((k) => rows[k] === 0 && Number.isFinite(x[k] + y[k] + flux[k]))
    .sort((i, j) => flux[j] - flux[i] || i - j)
  return { order, x: Float64Array.from(order, (k) => x[k]), y: Float64Array.from(order, (k) => y[k]) }
}

interface Candidate {
  transform: Affine
  /** Logarithm of the probability that chance does as well. */
  logChance: number
}

function bestCandidate(
  a: Sorted,
  b: Sorted,
  [n, m]: readonly [number, number],
  options: MatchOptions,
): Candidate | undefined {
  const { tolerance, scale, mirrored, maximumShift } = options
  const blur = tolerance / 3
  const [first, second] = [trianglesOf(a, n, blur), trianglesOf(b, m, blur)]
  const pairs = likeTriangles(first, second, { blur, scale, mirrored })
  const trials = Math.log(Math.max(1, pairs.length / 2))
  const judge = judgeFor(a, b, Math.max(n, m), tolerance)
  let best: Candidate | undefined
  for (let k = 0; k < pairs.length; k += 2) {
    const [p, q] = [pairs[k], pairs[k + 1]]
    const suggested = fromTriangles(a, b, [first, p], [second, q])
    const size = Math.sqrt(Math.abs(suggested[0] * suggested[4] - suggested[1] * suggested[3]))
    if (size < scale[0] || size > scale[1] || movesFurther(suggested, a, maximumShift)) continue
    const logChance = judge(suggested) + trials
    if (!best || logChance < best.logChance) best = { transform: suggested, logChance }
    if (best.logChance < 2 * CERTAIN) break
  }
  return best
}

/** True when the middle of the frame's stars moves by more than `most`. */
function movesFurther(t: Affine, { x, y }: Sorted, most: number): boolean {
  if (most === Number.POSITIVE_INFINITY) return false
  const [cx, cy] = [mid(x), mid(y)]
  const [u, v] = transform(t, cx, cy)
  return Math.hypot(u - cx, v - cy) > most
}

function mid(values: Float64Array): number {
  let [low, high] = [values[0], values[0]]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return (low + high) / 2
}

/** The similarity that brings three corners nearest to three others: least squares with complex numbers. */
function fromTriangles(
  a: Points,
  b: Points,
  [first, p]: [Triangles, number],
  [second, q]: [Triangles, number],
): Affine {
  const flip = first.sense[p] === second.sense[q] ? 1 : -1
  const [cx, cy, tx, ty] = [
    middle(a.x, first, p),
    middle(a.y, first, p),
    middle(b.x, second, q),
    middle(b.y, second, q),
  ]
  let dot = 0
  let cross = 0
  let size = 0
  for (let k = 0; k < 3; k++) {
    const i = first.corners[3 * p + k]
    const j = second.corners[3 * q + k]
    const x = flip * (a.x[i] - cx)
    const y = a.y[i] - cy
    const u = b.x[j] - tx
    const v = b.y[j] - ty
    dot += x * u + y * v
    cross += x * v - y * u
    size += x * x + y * y
  }
  const [c, s] = [dot / size, cross / size]
  return [flip * c, -s, tx - flip * c * cx + s * cy, flip * s, c, ty - flip * s * cx - c * cy]
}

const middle = (values: ArrayLike<number>, { corners }: Triangles, k: number) =>
  (values[corners[3 * k]] + values[corners[3 * k + 1]] + values[corners[3 * k + 2]]) / 3

/**
 * A function that says how unlikely chance is to bring as many stars onto stars as a transformation does. Only stars
 * that fall where the other list has stars are asked; three of them made the suggestion, and do not count.
 */
function judgeFor(a: Sorted, b: Sorted, brightest: number, tolerance: number): (candidate: Affine) => number {
  const most = Math.max(JUDGES, brightest)
  const grid = pointGrid(b, Math.min(most, b.x.length))
  const judges = Math.min(most, a.x.length)
  const area = Math.max(1, grid.columns * grid.cell) * Math.max(1, grid.rows * grid.cell)
  const density = Math.min(most, b.x.length) / area
  const hit = Math.min(0.5, Math.PI * tolerance ** 2 * density)
  return (candidate) => {
    const [asked, hits] = countHits(candidate, a, grid, judges, tolerance)
    return hits <= 3 ? 0 : logBinomialTail(asked - 3, hits - 3, hit)
  }
}

function countHits(
  candidate: Affine,
  { x, y }: Points,
  grid: PointGrid,
  judges: number,
  tolerance: number,
): [asked: number, hits: number] {
  const [right, top] = [grid.x0 + grid.columns * grid.cell, grid.y0 + grid.rows * grid.cell]
  const [a, b, c, d, e, f] = candidate
  let [asked, hits] = [0, 0]
  for (let i = 0; i < judges; i++) {
    const u = a * x[i] + b * y[i] + c
    const v = d * x[i] + e * y[i] + f
    if (u < grid.x0 || u > right || v < grid.y0 || v > top) continue
    asked++
    if (nearestPoint(grid, u, v, tolerance) >= 0) hits++
    if ((asked === FIRST_LOOK && hits < 2) || (asked === 3 * FIRST_LOOK && hits < 6)) break
  }
  return [asked, hits]
}
