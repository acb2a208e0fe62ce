import type { OrderScale, Slices } from './order-slices.js'
import { alongPaths, meanOfPaths, type Warp } from './order-warp.js'

/** Light along a path: an order of one fibre, perhaps. */
export interface PathPeak {
  /** row in the middle column; may lie outside of the frame */
  row: number
  /** how surely there is light: the mean contrast to both sides in units of its error, no strip counting for more than 1.5 */
  strength: number
  /** strips that have it on the detector */
  strips: number
  /** in no doubt, beside its neighbours: the others are orders only where one is looked for */
  sure: boolean
}

/** An order that is on fewer than this part of the strips is not looked for. */
const LEAST_STRIPS = 0.12

/** What one strip counts for at most, in units of its noise. */
const MOST = 1.5

/** Peaks across the straightened frame that are surely light, from the bottom. */
export function pathPeaks(slices: Slices, light: Float32Array, warp: Warp, scale: OrderScale): PathPeak[] {
  const { paths, start } = warp
  const least = LEAST_STRIPS * slices.count
  const mean = meanOfPaths(alongPaths(warp, slices, light), paths, least)
  const cuts = alongPaths(warp, slices, slices.cuts)
  const candidates: number[] = []
  const reach = Math.max(1, Math.round(scale.fwhm / 3))
  for (let p = reach; p < paths - reach; p++) {
    if (!(mean[p]! > 0)) continue
    let top = true
    for (let k = 1; k <= reach; k++) top &&= mean[p]! > mean[p - k]! && mean[p]! >= mean[p + k]!
    if (top) candidates.push(p)
  }
  const far = 2.6 * scale.fwhm
  const peaks = candidates.map((p, k) => {
    const below = Math.min(far, p - (candidates[k - 1] ?? -1e9)) / 2
    const above = Math.min(far, (candidates[k + 1] ?? 1e9) - p) / 2
    const { strength, strips } = contrast(cuts, slices, paths, p, scale.fwhm, below, above)
    const [a, b, c] = [mean[p - 1]!, mean[p]!, mean[p + 1]!]
    return { row: start + p + (a - c) / (2 * (a - 2 * b + c)), strength, strips, sure: false }
  })
  const real = peaks.filter(({ strength, strips }) => strength > 2.5 && strips >= least)
  // a weak peak among strong ones is a ghost, the foot of a bright line, or noise
  const ratio = (peak: PathPeak, k: number) => {
    const near = real.slice(Math.max(0, k - 6), k + 7).map((one) => one.strength / Math.sqrt(one.strips))
    near.sort((a, b) => b - a)
    // half of them may be noise
    return peak.strength / Math.sqrt(peak.strips) / near[near.length >> 2]!
  }
  return real.flatMap((peak, k) => {
    const beside = ratio(peak, k)
    return beside > 0.15 ? [{ ...peak, sure: peak.strength > SURE && beside > 0.4 }] : []
  })
}

/** A strength that noise does not reach. */
const SURE = 6

/**
 * How much brighter a path is than the geometric mean of what lies halfway to its neighbours: so much light would be there
 * too between two bright neighbours with steep wings. A strip counts for little more than its sign, for a bright line
 * beside a faint order must not outvote the other strips.
 */
function contrast(
  cuts: Float32Array,
  { count, noise }: Slices,
  paths: number,
  path: number,
  fwhm: number,
  below: number,
  above: number,
) {
  const core = Math.max(0, Math.round(Math.min(fwhm, below, above) / 4))
  const near = Math.max(core + 0.5, 1)
  const [low, high] = [-Math.max(near, below), Math.max(near, above)]
  const reach = Math.round(2.6 * fwhm)
  const play = Math.max(1, Math.round(Math.min(fwhm / 3, below / 3, above / 3)))
  let [sum, strips, tops] = [0, 0, 0]
  for (let k = 0; k < count; k++) {
    const at = k * paths + path
    let base = Number.POSITIVE_INFINITY
    for (let q = -reach; q <= reach; q++) if (cuts[at + q]! < base) base = cuts[at + q]!
    let inner = 0
    for (let q = -core; q <= core; q++) inner += (cuts[at + q] ?? Number.NaN) / (2 * core + 1)
    const sigma = noise[k]!
    const over = (side: number) => {
      const floor = Math.floor(side)
      const value =
        (1 - side + floor) * (cuts[at + floor] ?? Number.NaN) + (side - floor) * (cuts[at + floor + 1] ?? Number.NaN)
      return Math.max(value - base, 0) + sigma
    }
    const [a, b] = [over(low), over(high)]
    const outer = Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.sqrt(a * b)
    const value = (inner - base + sigma - outer) / (sigma * Math.sqrt(1 / (2 * core + 1) + 0.4))
    if (Number.isNaN(value)) continue
    sum += Math.max(-MOST, Math.min(MOST, value))
    strips++
    if (hasTop(cuts, at, play)) tops++
  }
  // on a slope of light everything is brighter than the geometric mean of both sides, but nothing is a peak
  return { strength: tops > LEAST_TOPS * strips ? sum / Math.sqrt(strips) : 0, strips }
}

/** In noise alone half of the strips have a peak within a row. */
const LEAST_TOPS = 0.25

/** Whether the mean of three rows has its peak within some rows of a place. */
function hasTop(cuts: Float32Array, at: number, play: number): boolean {
  const mean = (q: number) => cuts[at + q - 1]! + cuts[at + q]! + cuts[at + q + 1]!
  for (let q = -play; q <= play; q++) if (mean(q) >= mean(q - 1) && mean(q) > mean(q + 1)) return true
  return false
}
