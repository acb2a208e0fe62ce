// How far a sample may lie from the centre, and what happens to those that lie further.
import {
  ALLOWED, CENTRE, COUNT, FROM_ERRORS, FROM_SCATTER, Job, Plane, SAMPLES, SPARE, SPREAD, planeOf, relativeVariance, row,
} from './combine-job'
import { medianBlock, pickMiddles, sortValues } from './sort-planes'

/** |value - centre| into the block of distances. */
export function distances(job: Job): void {
  for (let g: usize = 0; g < 64; g += 16) {
    const centre = v128.load(job.result + CENTRE + g)
    for (let k = 0; k < job.n; k++) {
      v128.store(row(job.distances, k) + g, f32x4.abs(f32x4.sub(v128.load(row(job.values, k) + g), centre)))
    }
  }
}

/**
 * The scaled MAD of each column into the spread. Where over half of the values are equal it is 0 and says nothing: the
 * mean distance takes its place (1.2533 of it is sigma, for Gaussian noise).
 */
export function spreads(job: Job, holes: bool): void {
  const spread = job.result + SPREAD
  const samples = job.result + SPARE
  distances(job)
  medianBlock(job, job.distances, holes, samples, spread)
  for (let column: usize = 0; column < 64; column += 4) {
    const n = load<i32>(samples + column)
    let sigma = load<f32>(spread + column) * load<f32>(job.madFactor + ((<usize>n) << 2))
    if (sigma == 0) sigma = (meanDistance(job, column) * <f32>1.2533141) / <f32>n
    store<f32>(spread + column, sigma)
  }
}

function meanDistance(job: Job, column: usize): f32 {
  let sum: f32 = 0
  for (let k = 0; k < job.n; k++) {
    const d = load<f32>(row(job.distances, k) + column)
    if (d == d) sum += d
  }
  return sum
}

/** The variance that the clip measures by, for a sample of this plane. */
// @ts-ignore: decorator
@inline
export function clipVariance(job: Job, from: Plane, k: i32, g: usize, centre: v128): v128 {
  if (job.clipFrom == FROM_SCATTER) {
    const sigma = v128.load(job.result + SPREAD + g)
    return f32x4.mul(sigma, sigma)
  }
  if (job.clipFrom == FROM_ERRORS) return v128.load(row(job.variances, k) + g)
  const level = f32x4.pmax(f32x4.splat(0), centre)
  let constant = f32x4.add(f32x4.splat(from.variance), relativeVariance(job.clipRelative, centre))
  if (job.allowance) constant = f32x4.add(constant, v128.load(job.result + ALLOWED + g))
  return f32x4.add(constant, f32x4.mul(f32x4.splat(from.perUnit), level))
}

/** True where `d`, the distance of a sample from the centre, is within the clip. NaN is not. */
// @ts-ignore: decorator
@inline
export function within(job: Job, d: v128, variance: v128): v128 {
  const low = f32x4.splat(job.clipLow)
  const high = f32x4.splat(job.clipHigh)
  const clip = v128.bitselect(low, high, f32x4.lt(d, f32x4.splat(0)))
  return f32x4.le(f32x4.mul(d, d), f32x4.mul(clip, variance))
}

/** Makes NaN of the samples that the clip sets aside, so that the next round does not see them. */
export function dropRejected(job: Job): void {
  for (let g: usize = 0; g < 64; g += 16) {
    const centre = v128.load(job.result + CENTRE + g)
    for (let k = 0; k < job.n; k++) {
      const at = row(job.values, k) + g
      const v = v128.load(at)
      const kept = within(job, f32x4.sub(v, centre), clipVariance(job, planeOf(job, k), k, g, centre))
      v128.store(at, v128.or(v, v128.not(kept)))
    }
  }
}

/** True when the clip has set aside all the samples of a pixel that had some. */
export function leftEmpty(job: Job): bool {
  for (let g: usize = 0; g < 64; g += 16) {
    const none = i32x4.eq(v128.load(job.result + COUNT + g), i32x4.splat(0))
    const some = i32x4.ne(v128.load(job.result + SAMPLES + g), i32x4.splat(0))
    if (v128.any_true(v128.and(none, some))) return true
  }
  return false
}

/**
 * Two camps with none in the middle: cosmic rays only add, so the lower camp is right. Its highest sample becomes the
 * centre of such pixels.
 */
export function moveToLowerCamp(job: Job): void {
  sortValues(job.values, job.n, job.sorted, job.result + SAMPLES, job.pairs, job.pairCount)
  pickMiddles(job.sorted, job.result + SAMPLES, job.result + SPARE, true)
  for (let column: usize = 0; column < 64; column += 4) {
    if (load<i32>(job.result + COUNT + column) != 0) continue
    store<f32>(job.result + CENTRE + column, load<f32>(job.result + SPARE + column))
  }
}
