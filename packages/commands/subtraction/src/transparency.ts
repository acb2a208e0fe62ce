import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import { nearestWithin } from '@nightpipe/registration'
import type { Registered } from './register.js'
import { sharedPlane } from './shared.js'
import type { Side } from './side.js'

/** Which part of the light of the field each place of the frame got, over the middle of all: a cloud over a part of it. */
export interface Transparency {
  at(x: number, y: number): number
  /** What ratios of stars scatter by about it. */
  scatter: number
  /** Least and largest of nine tenths of the stars, over the middle. */
  low: number
  high: number
}

interface Ratio {
  x: number
  y: number
  ratio: number
}

/** Stars in both frames: as significant as this, no further apart, px; so many at least, and no more than these. */
const SIGNAL = 30
const NEAR = 1.5
const FEWEST = 40
const MOST = 400
const FLAWED = 4 | 8 | 256 | 512
/** Ratios that scatter by less than this the kernel follows by itself. */
const SMALL = 0.05
/** A surface must explain the ratios of stars that it has not seen so well: their scatter about it, over that about a number. */
const EXPLAINED = 0.5
/** Widths of the surface that are tried, in parts of the larger side of the frame. */
const WIDTHS = [0.03, 0.045, 0.07, 0.1, 0.15, 0.25]
/** A star further off than this, in scatters, has changed, and tells nothing. */
const CHANGED = 4
/** No place gets less than this part: a division. */
const LEAST = 0.02

/** The transparency as the stars of both frames tell it; undefined where one number tells as much. */
export function transparencyOf(fresh: Side, reference: Registered): Transparency | undefined {
  const all = ratiosOf(fresh, reference)
  if (all.length < FEWEST) return undefined
  const middle = medianOf(all.map(({ ratio }) => ratio))
  const ratios = all.map((star) => ({ ...star, ratio: star.ratio / middle }))
  const spread = spreadOf(ratios.map(({ ratio }) => ratio))
  if (!(spread > SMALL)) return undefined
  const size = Math.max(fresh.width, fresh.height)
  const tries = WIDTHS.map((part) => steadyOf(ratios, part * size))
  const best = tries.reduce((a, b) => (b.spread < a.spread ? b : a))
  if (!(best.spread < EXPLAINED * spread)) return undefined
  const seen = best.steady.map(({ x, y }) => localPlane(best.steady, best.width, x, y)).sort((a, b) => a - b)
  return {
    at: (x, y) => Math.max(LEAST, localPlane(best.steady, best.width, x, y)),
    scatter: best.scatter,
    low: seen[Math.floor(0.05 * seen.length)]!,
    high: seen[Math.floor(0.95 * seen.length)]!,
  }
}

/** The reference as the frame would have seen it through its sky. */
export function dimmed(reference: Registered, sky: Transparency, { width, height }: Side): Registered {
  const [net, variance] = [sharedPlane(Float32Array, width * height), sharedPlane(Float32Array, width * height)]
  const surface = surfaceOf(sky, width, height)
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const part = surface(x, y)
      net[p] = part * reference.net[p]!
      variance[p] = part * part * reference.variance[p]!
    }
  }
  const { stars } = reference
  const flux = stars.flux.map((value, i) => value * sky.at(stars.x[i]!, stars.y[i]!))
  return { ...reference, net, variance, stars: { ...stars, flux }, fluxScatter: sky.scatter }
}

function ratiosOf({ found: { stars } }: Side, reference: Registered): Ratio[] {
  const there = reference.stars
  return nearestWithin(stars, there, NEAR)
    .filter(([i, j]) => ((stars.flags[i]! | there.flags[j]!) & FLAWED) === 0 && there.signal[j]! > SIGNAL)
    .filter(([i]) => stars.flux[i]! > SIGNAL * stars.fluxError[i]!)
    .sort(([, i], [, j]) => there.signal[j]! - there.signal[i]! || i - j)
    .slice(0, MOST)
    .map(([i, j]) => ({ x: stars.x[i]!, y: stars.y[i]!, ratio: stars.flux[i]! / there.flux[j]! }))
}

/** The stars that have not changed, and their scatter about a surface of this width through the others. */
function steadyOf(ratios: readonly Ratio[], width: number) {
  let steady = [...ratios]
  let [scatter, spread] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < 3; round++) {
    const off = ratios.map((star) => star.ratio - localPlane(steady, width, star.x, star.y, star))
    scatter = MAD_TO_SIGMA * mad(off, 0)
    spread = spreadOf(off)
    steady = ratios.filter((_, i) => Math.abs(off[i]!) <= CHANGED * scatter)
  }
  return { steady, scatter, spread, width }
}

/** The sigma of a Gaussian of which as much lies between the outer tenths: a cloud over a fifth of the stars shows. */
function spreadOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))]!
  return (at(0.9) - at(0.1)) / 2 / 1.2816
}

/** The plane through the ratios about a place (Cleveland 1979, JASA 74, 829), there; far ones weigh little. */
function localPlane(ratios: readonly Ratio[], width: number, x: number, y: number, without?: Ratio): number {
  let [n, sx, sy, sr, xx, xy, yy, xr, yr] = [0, 0, 0, 0, 0, 0, 0, 0, 0]
  for (const star of ratios) {
    if (star === without || (star.x === without?.x && star.y === without.y)) continue
    const [dx, dy] = [(star.x - x) / width, (star.y - y) / width]
    const near = 1 / (1 + (dx * dx + dy * dy) / 4)
    const w = near * near * near * near
    n += w
    sx += w * dx
    sy += w * dy
    sr += w * star.ratio
    xx += w * dx * dx
    xy += w * dx * dy
    yy += w * dy * dy
    xr += w * dx * star.ratio
    yr += w * dy * star.ratio
  }
  // about their mean; a ridge keeps the plane level where stars lie on one side
  const ridge = 0.05 * n
  const [a, b, c] = [xx - (sx * sx) / n + ridge, xy - (sx * sy) / n, yy - (sy * sy) / n + ridge]
  const [u, v] = [xr - (sx * sr) / n, yr - (sy * sr) / n]
  const determinant = a * c - b * b
  const [slopeX, slopeY] = [(c * u - b * v) / determinant, (a * v - b * u) / determinant]
  return (sr - slopeX * sx - slopeY * sy) / n
}

/** Nodes to each side, between which the surface is straight. */
const NODES = 65

function surfaceOf(sky: Transparency, width: number, height: number): (x: number, y: number) => number {
  const [pitchX, pitchY] = [width / (NODES - 1), height / (NODES - 1)]
  const nodes = new Float64Array(NODES * NODES)
  for (let j = 0; j < NODES; j++) {
    for (let i = 0; i < NODES; i++) nodes[j * NODES + i] = sky.at(i * pitchX, j * pitchY)
  }
  return (x, y) => {
    const [i, j] = [Math.floor(x / pitchX), Math.floor(y / pitchY)]
    const [u, v] = [x / pitchX - i, y / pitchY - j]
    const at = j * NODES + i
    const lower = nodes[at]! + u * (nodes[at + 1]! - nodes[at]!)
    const upper = nodes[at + NODES]! + u * (nodes[at + NODES + 1]! - nodes[at + NODES]!)
    return lower + v * (upper - lower)
  }
}
