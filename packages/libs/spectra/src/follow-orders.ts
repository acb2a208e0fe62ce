import { leastSquares, legendre, MAD_TO_SIGMA, median } from '@nightpipe/math'
import type { Slices } from './order-slices.js'
import { alongPaths, type Warp } from './order-warp.js'
import { fitSurface, type Points } from './surface.js'

/** Strips that are averaged for one measurement of a centre. */
const TOGETHER = 3

/** A path that follows the light of one order of one fibre. */
export interface FollowedOrder {
  /** Legendre coefficients in X = 2 (x − width / 2) / width */
  coefficients: Float64Array
  /** of the measured centres about it, px */
  rms: number
  /** measured centres that were used */
  count: number
}

interface Measured {
  x: number[]
  /** off the path, rows */
  off: number[]
  weight: number[]
}

/**
 * The way of each order, from its light: centres measured along its path, and a polynomial through path and centres. How
 * far the light is off the paths changes smoothly from order to order: so an order with light in few strips is led by its
 * neighbours.
 */
export function followOrders(
  rows: readonly number[],
  slices: Slices,
  warp: Warp,
  width: number,
  fwhm: number,
  terms: number,
): FollowedOrder[] {
  const cuts = alongPaths(warp, slices, slices.cuts)
  const sorted = [...rows].sort((a, b) => a - b)
  const orders = rows.map((row) => {
    const place = sorted.indexOf(row)
    const room = Math.min(row - (sorted[place - 1] ?? -1e9), (sorted[place + 1] ?? 1e9) - row)
    return { row, half: Math.min(room / 2, 1.2 * fwhm) }
  })
  const common = commonOffset(orders, cuts, slices, warp, width)
  return orders.map(({ row, half }) => follow(row, half, common, cuts, slices, warp, width, terms))
}

/** How far the light is off the path at row r and column x. */
type Offset = (x: number, row: number) => number

/** What is common to the orders: their paths in the corners of the frame, where they were foretold, are put right. */
function commonOffset(
  orders: readonly { row: number; half: number }[],
  cuts: Float32Array,
  slices: Slices,
  warp: Warp,
  width: number,
): Offset {
  const rows = orders.map(({ row }) => row)
  const [low, high] = [Math.min(...rows), Math.max(...rows)]
  const u = (x: number) => (2 * (x - width / 2)) / width
  const v = (row: number) => (high > low ? (2 * (row - low)) / (high - low) - 1 : 0)
  let offset: Offset = () => 0
  for (const [dx, dy] of [
    [3, 2],
    [4, 3],
    [5, 4],
  ] as const) {
    const points: Points = { u: [], v: [], value: [], weight: [] }
    for (const { row, half } of orders) {
      const measured = centresAlong(row, half, offset, cuts, slices, warp.paths, warp.start)
      measured.x.forEach((x, k) => {
        points.u.push(u(x))
        points.v.push(v(row))
        points.value.push(measured.off[k]!)
        points.weight.push(Math.min(measured.weight[k]!, 15) / 15)
      })
    }
    const surface = fitSurface(points, dx, Math.min(dy, orders.length - 1), 0.1)
    offset = (x, row) => surface.at(u(x), v(row))
  }
  return offset
}

function follow(
  row: number,
  half: number,
  common: Offset,
  cuts: Float32Array,
  slices: Slices,
  warp: Warp,
  width: number,
  terms: number,
): FollowedOrder {
  const measured = centresAlong(row, half, common, cuts, slices, warp.paths, warp.start)
  const rest = { ...measured, off: measured.off.map((off, k) => off - common(measured.x[k]!, row)) }
  const offset = smoothOffset(rest, width, Math.min(5, terms))
  const path = pathOf(row, slices, warp)
  // the polynomial is drawn through the whole path, also where it is outside of the frame: there it only must not swing
  const basis = new Float64Array(slices.count * terms)
  const right = new Float64Array(slices.count)
  const line = new Float64Array(terms)
  for (let k = 0; k < slices.count; k++) {
    const x = slices.x[k]!
    const y = path[k]! + common(x, row) + offset.at(x)
    const inside = y > -half && y < slices.height + half
    const weight = inside ? 1 : 0.03
    legendre((2 * (x - width / 2)) / width, line)
    for (let t = 0; t < terms; t++) basis[k * terms + t] = weight * line[t]!
    right[k] = weight * y
  }
  return { coefficients: leastSquares(basis, right, terms).solution, rms: offset.rms, count: offset.count }
}

/** The rows of a path in all strips. */
function pathOf(row: number, { count }: Slices, warp: Warp): Float64Array {
  const place = Math.max(0, Math.min(warp.paths - 1.001, row - warp.start))
  const low = Math.floor(place)
  const t = place - low
  return Float64Array.from({ length: count }, (_, k) => {
    const at = k * warp.paths + low
    return (1 - t) * warp.y[at]! + t * warp.y[at + 1]!
  })
}

function centresAlong(
  row: number,
  half: number,
  offset: Offset,
  cuts: Float32Array,
  { count, x, noise }: Slices,
  paths: number,
  start: number,
): Measured {
  const measured: Measured = { x: [], off: [], weight: [] }
  const reach = 2 * (Math.ceil(half) + 1)
  const profile = new Float64Array(2 * reach + 1)
  for (let k = 0; k + TOGETHER <= count; k += TOGETHER) {
    const place = x[k + (TOGETHER >> 1)]!
    const guess = offset(place, row)
    const middle = Math.round(row + guess - start)
    let whole = true
    for (let q = -reach; q <= reach; q++) {
      let sum = 0
      for (let s = 0; s < TOGETHER; s++) sum += cuts[(k + s) * paths + middle + q] ?? Number.NaN
      profile[q + reach] = sum / TOGETHER
      if (2 * Math.abs(q) <= reach && Number.isNaN(sum)) whole = false
    }
    if (!whole) continue
    const expected = row + guess - start - middle + reach
    const centre = centreOf(profile, half, expected)
    if (!centre || Math.abs(centre.at - expected) > 0.6 * half) continue
    const signal = centre.height / (noise[k]! / Math.sqrt(TOGETHER))
    if (signal < 5) continue
    measured.x.push(place)
    measured.off.push(centre.at - reach + middle + start - row)
    measured.weight.push(signal)
  }
  // what shines far brighter than the order does elsewhere is a cosmic ray, or a line that tells no more than others
  const most = measured.weight.length ? 2 * median([...measured.weight]) : 0
  measured.weight = measured.weight.map((weight) => Math.min(weight, most, 50))
  return measured
}

/** The first moment within `half` of itself, above the lowest value there. */
function centreOf(profile: Float64Array, half: number, guess: number): { at: number; height: number } | undefined {
  let at = guess
  let height = 0
  for (let round = 0; round < 6; round++) {
    const [from, to] = [
      Math.max(0, Math.ceil(at - half - 0.5)),
      Math.min(profile.length - 1, Math.floor(at + half + 0.5)),
    ]
    let base = Number.POSITIVE_INFINITY
    height = 0
    for (let q = from; q <= to; q++) if (profile[q]! < base) base = profile[q]!
    let [sum, moment] = [0, 0]
    for (let q = from; q <= to; q++) {
      // rows at the rim count by the part of them that is inside
      const inside = Math.min(1, half + 0.5 - Math.abs(q - at))
      const value = (profile[q]! - base) * Math.max(0, inside)
      sum += value
      moment += value * (q - at)
      height = Math.max(height, profile[q]! - base)
    }
    if (!(sum > 0)) return undefined
    at += moment / sum
    if (at < 0 || at > profile.length - 1) return undefined
  }
  return { at, height }
}

/** How far the light is off the path: a polynomial of as high a degree as the points bear. */
function smoothOffset({ x, off, weight }: Measured, width: number, most: number) {
  let use = x.map((_, k) => k)
  let solution = new Float64Array(1)
  const terms = () => Math.max(1, Math.min(most, Math.floor(use.length / 5)))
  const at = (place: number) => {
    const line = legendre((2 * (place - width / 2)) / width, new Float64Array(solution.length))
    return line.reduce((sum, value, k) => sum + value * solution[k]!, 0)
  }
  let rms = Number.NaN
  for (let round = 0; round < 4 && use.length >= 3; round++) {
    const n = terms()
    const line = new Float64Array(n)
    const matrix = new Float64Array((use.length + n) * n)
    const right = new Float64Array(use.length + n)
    use.forEach((k, row) => {
      legendre((2 * (x[k]! - width / 2)) / width, line)
      for (let t = 0; t < n; t++) matrix[row * n + t] = weight[k]! * line[t]!
      right[row] = weight[k]! * off[k]!
    })
    // bends are believed only where the points show them
    for (let t = 0; t < n; t++) matrix[(use.length + t) * n + t] = 10 * t * t
    solution = leastSquares(matrix, right, n).solution as Float64Array<ArrayBuffer>
    const residuals = use.map((k) => Math.abs(off[k]! - at(x[k]!)))
    rms = Math.sqrt(residuals.reduce((sum, one) => sum + one * one, 0) / residuals.length)
    const limit = Math.max(0.1, 3 * MAD_TO_SIGMA * median([...residuals]))
    use = use.filter((_, k) => residuals[k]! <= limit)
  }
  return { at, rms, count: use.length }
}
