import { leastSquares, median, power } from '@nightpipe/math'
import type { PathPeak } from './order-peaks.js'

/** The peaks of one order: one for each lit fibre, from the bottom. `row` of a peak that was not seen is foretold. */
export interface OrderGroup {
  rows: number[]
  seen: (PathPeak | undefined)[]
}

/**
 * Peaks as orders of `lit` fibres each. Orders are a comb whose teeth lie further apart slowly: from where the pattern is
 * clearest the next order is foretold, upwards and downwards; what lies elsewhere is no order, and an order that is
 * missing is skipped, up to two in a row, but numbered.
 */
export function groupOrders(peaks: readonly PathPeak[], lit: number, bottom: number, top: number): OrderGroup[] {
  let best: { groups: OrderGroup[]; score: number } = { groups: [], score: Number.NEGATIVE_INFINITY }
  for (const groups of seedsOf(
    peaks.filter(({ sure }) => sure),
    lit,
  )) {
    walk(groups, peaks, lit, 1, bottom, top)
    walk(groups, peaks, lit, -1, bottom, top)
    while (groups.length && !isSure(groups[0]!)) groups.shift()
    while (groups.length && !isSure(groups.at(-1)!)) groups.pop()
    const score = apartness(groups, lit)
    if (groups.length && score > best.score) best = { groups, score }
  }
  return best.groups
}

/** The lowest and the highest order must not be in doubt; those between have neighbours that speak for them. */
const isSure = ({ seen }: OrderGroup) => seen.some((peak) => peak?.sure)

/** Orders in a row that the pattern is read from. */
const SEED = 5

/**
 * Orders to begin with, where distances from peak to peak change most evenly, each compared with the same of the next order (fibres
 * need not be evenly apart): once for each fibre that the lowest of these peaks may be.
 */
function seedsOf(peaks: readonly PathPeak[], lit: number): OrderGroup[][] {
  const orders = Math.min(SEED, Math.floor(peaks.length / lit))
  if (orders === 0) return []
  const count = Math.min(peaks.length, orders * lit + lit - 1)
  let best: { score: number; part: PathPeak[] } | undefined
  for (let from = 0; from + count <= peaks.length; from++) {
    const part = peaks.slice(from, from + count)
    const steps = part.slice(1).map((peak, k) => peak.row - part[k]!.row)
    const uneven = Array.from({ length: lit }, (_, fibre) => unevenness(steps.filter((_, k) => k % lit === fibre)))
    const weakest = Math.min(...part.map((peak) => peak.strength / Math.sqrt(peak.strips)))
    const score = 0.1 * weakest - 6 * Math.max(...uneven)
    if (!best || score > best.score) best = { score, part }
  }
  return Array.from({ length: lit }, (_, first) => groupsFrom(best!.part.slice(first), lit)).filter(
    (groups) => groups.length >= Math.min(2, orders),
  )
}

const groupsFrom = (peaks: readonly PathPeak[], lit: number): OrderGroup[] =>
  Array.from({ length: Math.floor(peaks.length / lit) }, (_, k) => {
    const seen = peaks.slice(k * lit, (k + 1) * lit)
    return { rows: seen.map((peak) => peak.row), seen: [...seen] }
  })

/** The scatter of distances about a straight line, relative to them: that of the worst, for a peak that is none spoils one only. */
function unevenness(steps: readonly number[]): number {
  if (steps.length < 3) return steps.length === 2 ? Math.abs(steps[1]! - steps[0]!) / (steps[0]! + steps[1]!) / 2 : 0
  const bends = steps.slice(2).map((step, k) => Math.abs(step - 2 * steps[k + 1]! + steps[k]!))
  const first = Math.abs(steps[1]! - steps[0]!) / 2 // may grow, but not by jumps
  return (Math.max(...bends) + Math.max(0, first - 0.05 * steps[0]!)) / median([...steps])
}

/**
 * How well peaks are divided into orders: orders lie further apart than the fibres of one order, and their distances change
 * along the detector by other factors than those of the fibres, which change alike.
 */
function apartness(groups: readonly OrderGroup[], lit: number): number {
  if (lit === 1 || groups.length < 2) return 0
  const gaps = groups.slice(1).map((above, k) => {
    const rows = [...groups[k]!.rows, above.rows[0]!]
    return rows.slice(1).map((row, fibre) => row - rows[fibre]!)
  })
  const third = Math.ceil(gaps.length / 3)
  const typical = (some: readonly number[][], fibre: number) => median(some.map((one) => one[fibre]!))
  const size = Array.from({ length: lit }, (_, fibre) => Math.log(typical(gaps, fibre)))
  const change = size.map((_, fibre) =>
    Math.abs(Math.log(typical(gaps.slice(-third), fibre) / typical(gaps.slice(0, third), fibre))),
  )
  const over = (values: readonly number[]) => values.at(-1)! - Math.max(...values.slice(0, -1))
  return over(size) + over(change)
}

function walk(groups: OrderGroup[], peaks: readonly PathPeak[], lit: number, way: 1 | -1, bottom: number, top: number) {
  let missing = 0
  while (missing <= 2) {
    const rows = foretell(groups, lit, way)
    if (rows.every((row) => row < bottom) || rows.every((row) => row > top)) break
    const [near, before] = way > 0 ? [groups.at(-1)!, groups.at(-2)] : [groups[0]!, groups[1]]
    const spacing = way * (rows[0]! - near.rows[0]!)
    const last = before ? way * (near.rows[0]! - before.rows[0]!) : spacing
    if (!(spacing > 0.6 * last && spacing < 1.6 * last)) break
    const gaps = [spacing, ...rows.slice(1).map((row, k) => row - rows[k]!)]
    const inner = lit > 1 ? Math.min(...gaps.slice(1), spacing - (rows.at(-1)! - rows[0]!)) : spacing
    const seen = rows.map((row) => nearest(peaks, row, Math.max(1, inner)))
    const off = seen.flatMap((peak, k) => (peak ? [peak.row - rows[k]!] : []))
    const shift = off.length ? median(off) : 0
    const group = { rows: rows.map((row, k) => seen[k]?.row ?? row + shift), seen }
    if (way > 0) groups.push(group)
    else groups.unshift(group)
    missing = off.length ? 0 : missing + 1
  }
}

/** Orders that the next one is foretold from. */
const BEFORE = 9

/** The next order: a parabola through the last ones that were seen, a straight line through few. */
function foretell(groups: readonly OrderGroup[], lit: number, way: 1 | -1): number[] {
  const last = way > 0 ? groups.slice(-BEFORE) : groups.slice(0, BEFORE).reverse()
  return Array.from({ length: lit }, (_, fibre) => {
    const seen = last.map((group, k) => ({ k, row: group.rows[fibre]!, real: group.seen[fibre] !== undefined }))
    const used = seen.filter(({ real }) => real).length >= 2 ? seen.filter(({ real }) => real) : seen
    if (used.length < 2) return used[0]!.row + way * 1e9 // one order only
    const degree = used.length > 3 ? 2 : 1
    const matrix = used.flatMap(({ k }) =>
      Array.from({ length: degree + 1 }, (_, p) => power((k - last.length) / BEFORE, p)),
    )
    const { solution } = leastSquares(
      matrix,
      used.map(({ row }) => row),
      degree + 1,
    )
    return solution[0]!
  })
}

/** How far a peak may be off what was foretold, as part of the distance to the next one. */
const TOLERANCE = { sure: 0.3, weak: 0.2 }

function nearest(peaks: readonly PathPeak[], row: number, inner: number): PathPeak | undefined {
  let best: PathPeak | undefined
  for (const peak of peaks) {
    const off = Math.abs(peak.row - row)
    if (off > TOLERANCE[peak.sure ? 'sure' : 'weak'] * inner) continue
    // one that is in no doubt comes first
    if (!best || (peak.sure === best.sure ? off < Math.abs(best.row - row) : peak.sure)) best = peak
  }
  return best
}
