import { addLight, columnProfile, type FittedTrace, firstRowOf, type ProfileGrid } from './light-of-trace.js'
import { addPixel, type ProfileShape, profileSums, sampleShape, solveProfile } from './profile-spline.js'

/** A block whose light, summed up, is surer than this (in sigma) has a profile of its own. */
const SURE = 150

/** How much less a pixel counts that is as much a neighbour's. */
const CONTEST = 10

/** The profiles of all traces from their pixels, block by block, one column in `step`; a block with too little light has that of the next one. */
export function fitProfiles(
  fitted: readonly FittedTrace[],
  shape: ProfileShape,
  grid: ProfileGrid,
  step: number,
): void {
  for (const trace of fitted) {
    if (trace.crowded) for (let k = 0; k < trace.images.length; k++) addLight(trace, k, grid, 1)
    const before = trace.profiles.slice()
    const good = new Array<boolean>(grid.blocks).fill(false)
    for (let block = 0; block < grid.blocks; block++) good[block] = fitBlock(trace, block, shape, grid, step)
    fillBlocks(trace.profiles, good, grid.samples, before)
    trace.slopes = slopesOf(trace.profiles, grid)
    if (trace.crowded) for (let k = 0; k < trace.images.length; k++) addLight(trace, k, grid, -1)
  }
}

function fitBlock(trace: FittedTrace, block: number, shape: ProfileShape, grid: ProfileGrid, step: number): boolean {
  const { width, blocks, samples, perRow, rows } = grid
  const from = Math.max(trace.first, Math.round((block * width) / blocks))
  const to = Math.min(trace.last, Math.round(((block + 1) * width) / blocks) - 1)
  const bins = phaseBins(rows)
  const own = new Float64Array(rows)
  let sure = 0
  for (const { image, flux } of trace.images) {
    const { all, rest, bad, dark, perLight, background, height } = image
    for (let x = Math.ceil(from / step) * step; x <= to; x += step) {
      const f = flux[x]!
      if (!(f > 0)) continue
      const first = firstRowOf(grid, trace.y[x]!)
      // one weight for all rows of a column: what is brighter than the mean of its noise must not be believed less
      const w = 1 / (dark + perLight * (f / 6 + background) + (0.006 * 0.2 * f) ** 2)
      sure += w * f * f * 0.2
      const phase = first - trace.y[x]! + shape.reach
      const bin = Math.min(PHASES - 1, Math.floor(phase * PHASES))
      bins.phase[bin]! += w * f * f * phase
      bins.weight[bin]! += w * f * f
      if (trace.crowded) columnProfile(trace, grid, x, first - trace.y[x]!, own)
      const start = Math.max(0, -first)
      const end = Math.min(rows, height - first)
      for (let r = start, p = (first + start) * image.width + x; r < end; r++, p += image.width) {
        if (bad[p] !== 0) continue
        let v = w
        if (trace.crowded) {
          // where a neighbour is brighter, whose light is whose cannot be told: that side follows the other one
          const contest = (all[p]! - rest[p]!) / (f * Math.max(own[r]!, 1e-4))
          v /= 1 + CONTEST * contest * contest
        }
        bins.square[bin * rows + r]! += v * f * f
        bins.product[bin * rows + r]! += v * f * rest[p]!
      }
    }
  }
  if (!(sure > SURE ** 2)) return false
  const out = trace.profiles.subarray(block * samples, (block + 1) * samples)
  return (
    sampleShape(shape, solveProfile(shape, sumsOf(bins, rows, shape)), perRow, out, -trace.wings[block]!.moment) !==
    undefined
  )
}

/** Columns whose centres lie alike in their row are summed up before anything is fitted. */
const PHASES = 48

/** Sums over columns of w f² and w f d, by phase and row; and of the phases, for their means. */
interface PhaseBins {
  phase: Float64Array
  weight: Float64Array
  square: Float64Array
  product: Float64Array
}

const phaseBins = (rows: number): PhaseBins => ({
  phase: new Float64Array(PHASES),
  weight: new Float64Array(PHASES),
  square: new Float64Array(PHASES * rows),
  product: new Float64Array(PHASES * rows),
})

function sumsOf({ phase, weight, square, product }: PhaseBins, rows: number, shape: ProfileShape) {
  const sums = profileSums(shape)
  for (let bin = 0; bin < PHASES; bin++) {
    if (!(weight[bin]! > 0)) continue
    const lowest = phase[bin]! / weight[bin]! - shape.reach
    for (let r = 0; r < rows; r++) {
      const w = square[bin * rows + r]!
      if (w > 0) addPixel(shape, sums, lowest + r, product[bin * rows + r]! / w, 1, w)
    }
  }
  return sums
}

/** Blocks without a profile of their own get that of the nearest that has one. */
function fillBlocks(profiles: Float32Array, good: readonly boolean[], samples: number, before: Float32Array): void {
  const known = good.flatMap((one, block) => (one ? [block] : []))
  if (known.length === 0) {
    profiles.set(before)
    return
  }
  good.forEach((one, block) => {
    if (one) return
    const nearest = known.reduce((best, k) => (Math.abs(k - block) < Math.abs(best - block) ? k : best))
    profiles.copyWithin(block * samples, nearest * samples, (nearest + 1) * samples)
  })
}

/** The slope of each profile, per row, by differences of the samples on both sides. */
export function slopesOf(profiles: Float32Array, { samples, perRow }: ProfileGrid): Float32Array {
  const slopes = new Float32Array(profiles.length)
  for (let from = 0; from < profiles.length; from += samples) {
    for (let k = 0; k < samples; k++) {
      const [a, b] = [profiles[from + Math.max(0, k - 1)]!, profiles[from + Math.min(samples - 1, k + 1)]!]
      slopes[from + k] = ((b - a) * perRow) / 2
    }
  }
  return slopes
}
