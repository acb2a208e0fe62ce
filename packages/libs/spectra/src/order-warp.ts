import { legendre } from '@nightpipe/math'
import type { OrderScale, Slices } from './order-slices.js'
import { fitSurface, type Points, type Surface } from './surface.js'

/**
 * Where light runs along the orders: the row in each strip that a path through row r of the middle column has. Paths
 * begin also above and below the frame, for orders that leave it.
 */
export interface Warp {
  /** r of the first path; the next ones follow by a row each */
  start: number
  paths: number
  /** [strip][path], rows */
  y: Float32Array
}

/** How far rows of one cut must be moved to lie on those of another, within a window; undefined where nothing tells. */
function shiftBetween(
  fixed: Float32Array,
  moving: Float32Array,
  from: number,
  to: number,
  most: number,
  expected = 0,
): { shift: number; weight: number } | undefined {
  const lags = 2 * most + 1
  const sums = new Float64Array(lags)
  const [lo, hi] = [Math.max(from, 0), Math.min(to, fixed.length)]
  if (hi - lo < 3 * most) return undefined
  const [level, other] = [meanWithin(fixed, lo, hi), meanWithin(moving, lo, hi)]
  let [energy, energyOther] = [0, 0]
  for (let y = lo; y < hi; y++) {
    const value = fixed[y]! - level
    energy += value * value
    energyOther += (moving[y]! - other) ** 2
    const place = y + expected
    const [first, last] = [Math.max(-most, -place), Math.min(most, moving.length - 1 - place)]
    for (let lag = first; lag <= last; lag++) sums[lag + most]! += value * (moving[place + lag]! - other)
  }
  const best = nearestPeak(sums, most)
  if (best === undefined || energy === 0 || energyOther === 0) return undefined
  const [a, b, c] = [sums[best - 1]!, sums[best]!, sums[best + 1]!]
  const weight = b / Math.sqrt(energy * energyOther)
  return weight > 0.15 ? { shift: expected + best - most + (a - c) / (2 * (a - 2 * b + c)), weight } : undefined
}

function meanWithin(values: Float32Array, from: number, to: number): number {
  let sum = 0
  for (let y = from; y < to; y++) sum += values[y]!
  return sum / (to - from)
}

/** Orders are a comb: of peaks about as high, that with the least shift is the right one. */
function nearestPeak(sums: Float64Array, middle: number): number | undefined {
  const peaks: number[] = []
  for (let k = 1; k < sums.length - 1; k++) {
    if (sums[k]! > sums[k - 1]! && sums[k]! >= sums[k + 1]! && sums[k]! > 0) peaks.push(k)
  }
  const top = Math.max(...peaks.map((k) => sums[k]!))
  return peaks.filter((k) => sums[k]! > 0.75 * top).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0]
}

/** Rows in which the way of the orders is measured on its own, and how far they may be off: not as far as the next order. */
interface Window {
  from: number
  to: number
  most: number
  /** rows from order to order, or fibre to fibre */
  period: number
}

/** Windows of a straightened cut (or of several, one after the other), each with the distance of the orders in it. */
function windowsOf(cuts: Float32Array, height: number, period: number, parts: number): Window[] {
  const size = Math.min(Math.max(3 * period, height / parts), height / 3)
  const count = Math.max(4, Math.round((1.5 * height) / size))
  const longest = Math.ceil(Math.min(2 * period, size / 2))
  return Array.from({ length: count }, (_, k) => {
    const middle = ((k + 0.5) * height) / count
    const [from, to] = [Math.max(0, Math.round(middle - size / 2)), Math.min(height, Math.round(middle + size / 2))]
    const own = localPeriod(cuts, height, from, to, longest) ?? period
    return { from, to, most: Math.max(2, Math.min(40, Math.floor(0.45 * own))), period: own }
  })
}

/** How far orders (or fibres) are apart where they are closest to one another. */
export const closestPeriod = ({ height }: Slices, light: Float32Array, { period }: OrderScale): number =>
  Math.min(...windowsOf(light, height, period, MANY).map((window) => window.period))

/** The lag of the first peak of the autocorrelation of some rows; undefined where there is none. */
function localPeriod(
  cuts: Float32Array,
  height: number,
  from: number,
  to: number,
  longest: number,
): number | undefined {
  const sums = new Float64Array(longest + 2)
  const step = Math.max(1, Math.floor(cuts.length / height / 32))
  for (let start = 0; start < cuts.length; start += step * height) {
    const cut = cuts.subarray(start + from, start + to)
    const level = meanWithin(cut, 0, cut.length)
    for (let lag = 0; lag < sums.length; lag++) {
      for (let y = lag; y < cut.length; y++) sums[lag]! += (cut[y]! - level) * (cut[y - lag]! - level)
    }
  }
  let valley = 1
  while (valley < longest && sums[valley + 1]! < sums[valley]!) valley++
  for (let k = valley + 1; k <= longest; k++) {
    if (sums[k]! > sums[k - 1]! && sums[k]! >= sums[k + 1]! && sums[k]! > 0.1 * sums[0]!) return k
  }
  return undefined
}

/**
 * The way of the orders through the frame: first their slope, from how each strip lies on the next; then, the frame
 * straightened by it, how each strip lies on the mean of all. `light` is [strip][y], how much each row stands out.
 */
export function orderWarp(slices: Slices, light: Float32Array, scale: OrderScale): Warp {
  const least = slices.count / 8
  const sharpness = (warp: Warp) =>
    meanOfPaths(alongPaths(warp, slices, light), warp.paths, least).reduce((sum, value) => sum + value * value, 0)
  const tried = [MANY, FEW].map((parts) => warpBy(slices, light, scale, parts))
  return tried.reduce((best, warp) => (sharpness(warp) > sharpness(best) ? warp : best))
}

/** Parts of the frame across the orders, each looked at on its own: many show how close orders bend, few where sparse ones go. */
const MANY = 20
const FEW = 10

function warpBy(slices: Slices, light: Float32Array, { period }: OrderScale, parts: number): Warp {
  const { count, height, x } = slices
  const middle = (x[0]! + x[count - 1]!) / 2
  const half = (x[count - 1]! - x[0]!) / 2
  const slope = slopeOf(slices, light, period, parts)
  const beyond = Math.round(height * 0.25)
  const warp: Warp = { start: -beyond, paths: height + 2 * beyond, y: new Float32Array(count * (height + 2 * beyond)) }
  const v = (y: number) => Math.min(1.2, Math.max(-1.2, (2 * y) / height - 1))
  const between = (count - 1) / 2
  for (let path = 0; path < warp.paths; path += FOLLOWED) {
    for (const way of [1, -1]) {
      let y = warp.start + path
      let [at, k] = [middle, way > 0 ? Math.ceil(between) : Math.floor(between)]
      if (way < 0 && Number.isInteger(between)) k-- // the middle strip was done upwards
      for (; k >= 0 && k < count; k += way) {
        const step = x[k]! - at
        const near = slope.at((at + step / 2 - middle) / half, v(y))
        y += step * slope.at((at + step / 2 - middle) / half, v(y + (step / 2) * near))
        at = x[k]!
        warp.y[k * warp.paths + path] = y
      }
    }
  }
  drawBetween(warp)
  for (const [reach, degree] of STEPS) straighten(warp, slices, light, period, parts, reach, degree)
  return warp
}

/** One path in so many is followed; those between lie between, as near as makes no difference to a first estimate. */
const FOLLOWED = 4

function drawBetween({ paths, y }: Warp): void {
  const last = Math.floor((paths - 1) / FOLLOWED) * FOLLOWED
  for (let from = 0; from < y.length; from += paths) {
    for (let path = 0; path < paths; path++) {
      const low = Math.min(path - (path % FOLLOWED), last - FOLLOWED)
      const [a, b] = [y[from + low]!, y[from + low + FOLLOWED]!]
      if (path % FOLLOWED !== 0) y[from + path] = a + ((path - low) * (b - a)) / FOLLOWED
    }
  }
}

/** Strips apart that are laid on one another: the next one first, so that no order is taken for another, then further ones. */
const APART = [1, 3, 6] as const

function slopeOf({ count, height, x }: Slices, light: Float32Array, period: number, parts: number): Surface {
  const windows = windowsOf(light, height, period, parts)
  const cut = (k: number) => light.subarray(k * height, (k + 1) * height)
  let slope: Surface | undefined
  for (const apart of APART) {
    const points: Points = { u: [], v: [], value: [], weight: [] }
    for (let k = 0; k + apart < count; k++) {
      const u = (k + apart / 2) / ((count - 1) / 2) - 1
      const distance = x[k + apart]! - x[k]!
      for (const { from, to, most } of windows) {
        const v = (from + to) / height - 1
        const expected = slope ? Math.round(distance * slope.at(u, v)) : 0
        const found = shiftBetween(cut(k), cut(k + apart), from, to, most, expected)
        if (!found) continue
        points.u.push(u)
        points.v.push(v)
        points.value.push(found.shift / distance)
        points.weight.push(found.weight)
      }
    }
    slope = fitSurface(points, 3, 2)
  }
  return slope!
}

/** The cuts along the paths: [strip][path], NaN outside the frame. */
export function alongPaths(warp: Warp, { count, height }: Slices, light: Float32Array): Float32Array {
  const out = new Float32Array(count * warp.paths)
  for (let k = 0; k < count; k++) {
    for (let path = 0; path < warp.paths; path++) {
      const y = warp.y[k * warp.paths + path]!
      const row = Math.floor(y)
      const t = y - row
      const at = k * height + row
      out[k * warp.paths + path] = row >= 0 && row + 1 < height ? (1 - t) * light[at]! + t * light[at + 1]! : Number.NaN
    }
  }
  return out
}

/** The mean of all strips along each path; 0 where fewer than `least` have it. */
export function meanOfPaths(straight: Float32Array, paths: number, least: number): Float32Array {
  const count = straight.length / paths
  const mean = new Float32Array(paths)
  for (let path = 0; path < paths; path++) {
    let [sum, n] = [0, 0]
    for (let k = 0; k < count; k++) {
      const value = straight[k * paths + path]!
      if (Number.isNaN(value)) continue
      sum += value
      n++
    }
    mean[path] = n >= least ? sum / n : 0
  }
  return mean
}

/** From the middle outwards, so that no path strays to the next order: the part of the frame, and the degree in x. */
const STEPS = [
  [0.35, 2],
  [0.5, 2],
  [0.65, 3],
  [0.8, 3],
  [0.9, 4],
  [1, 4],
  [1, 5],
] as const

/** Strips that are looked at together once the frame is straight, so that faint orders tell too. */
const GROUPS = 40

/** Moves the paths by how strips lie on the mean of all; in the middle column they stay where they are. */
function straighten(
  warp: Warp,
  slices: Slices,
  light: Float32Array,
  period: number,
  parts: number,
  reach: number,
  degree: number,
): void {
  const { count } = slices
  const { paths } = warp
  const straight = alongPaths(warp, slices, light)
  const [west, east] = [Math.floor((0.5 - reach / 2) * count), Math.ceil((0.5 + reach / 2) * count)]
  const mean = meanOfPaths(straight.subarray(west * paths, east * paths), paths, (reach * count) / 8)
  const points: Points = { u: [], v: [], value: [], weight: [] }
  const windows = windowsOf(mean, paths, period, parts)
  const groups = Math.min(GROUPS, count)
  for (let group = 0; group < groups; group++) {
    const [low, high] = [Math.floor((group * count) / groups), Math.floor(((group + 1) * count) / groups)]
    if (low < west || high > east) continue
    const cut = meanOfPaths(straight.subarray(low * paths, high * paths), paths, 1)
    for (const { from, to, most } of windows) {
      const found = shiftBetween(mean, cut, from, to, most)
      if (!found) continue
      points.u.push((low + high - 1) / (count - 1) - 1)
      points.v.push((from + to) / paths - 1)
      points.value.push(found.shift)
      points.weight.push(found.weight)
    }
  }
  const surface = fitSurface(points, degree, Math.min(degree, 4))
  const terms = degree + 1
  const basis = new Float64Array(count * terms)
  for (let k = 0; k < count; k++) basis.set(legendre(k / ((count - 1) / 2) - 1, new Float64Array(terms)), k * terms)
  const middle = legendre(0, new Float64Array(terms))
  for (let k = 0; k < basis.length; k++) basis[k]! -= middle[k % terms]!
  for (let path = 0; path < paths; path++) {
    const along = surface.cut((2 * path) / paths - 1)
    for (let k = 0; k < count; k++) {
      let move = 0
      for (let t = 0; t < terms; t++) move += along[t]! * basis[k * terms + t]!
      warp.y[k * paths + path]! += move
    }
  }
}
