// The clipped mean of planes of unlike weight and noise where every sample counts, which is nearly everywhere: what does not
// depend on the samples is summed once for all pixels. The results are those of `sumEach`, to the last bit.
import {
  CENTRE, CLIP, COUNT, ERROR, FROM_MODEL, Job, NOWHERE, VALUE, WHOLE, modelVariance, planeOf, relativeVariance, row,
} from './combine-job'

// Where the sums over all planes stand in the row WHOLE.
const WEIGHTS: usize = 0
const WEIGHT_SQUARES: usize = 4
const VARIANCE: usize = 8
const PER_UNIT: usize = 12

/** Whether a job can have pixels of this kind; it sums what they need. */
export function prepareWhole(job: Job): bool {
  if (job.method != CLIP || job.uniform || job.clipFrom != FROM_MODEL) return false
  if (job.inverseVariance || job.allowance || (job.errorFrom != FROM_MODEL && job.errorFrom != NOWHERE)) return false
  let weights: f32 = 0
  let weightSquares: f32 = 0
  let variance: f32 = 0
  let perUnit: f32 = 0
  for (let k = 0; k < job.n; k++) {
    const plane = planeOf(job, k)
    const square = plane.weight * plane.weight
    weights += plane.weight
    weightSquares += square
    variance += square * plane.variance
    perUnit += square * plane.perUnit
  }
  const sums = job.result + WHOLE
  store<f32>(sums + WEIGHTS, weights)
  store<f32>(sums + WEIGHT_SQUARES, weightSquares)
  store<f32>(sums + VARIANCE, variance)
  store<f32>(sums + PER_UNIT, perUnit)
  return true
}

/** Sixteen pixels about the centres; false, and to be done otherwise, where a sample does not count. */
export function sumWhole(job: Job): bool {
  const sums = job.result + WHOLE
  const weights = v128.load32_splat(sums + WEIGHTS)
  for (let g: usize = 0; g < 64; g += 16) {
    const centre = v128.load(job.result + CENTRE + g)
    const total = totalOf(job, g, centre)
    if (v128.any_true(f32x4.ne(total, total))) return false
    const value = f32x4.add(f32x4.add(centre, f32x4.div(total, weights)), f32x4.splat(0))
    v128.store(job.result + COUNT + g, i32x4.splat(job.n))
    v128.store(job.result + VALUE + g, value)
    if (job.errorFrom == NOWHERE) continue
    const squares = v128.load32_splat(sums + WEIGHT_SQUARES)
    const constant = v128.load32_splat(sums + VARIANCE)
    const perUnit = v128.load32_splat(sums + PER_UNIT)
    const variance = modelVariance(job, value, weights, squares, constant, perUnit)
    v128.store(job.result + ERROR + g, f32x4.div(f32x4.sqrt(variance), weights))
  }
  return true
}

/** The weighted sum of the distances of four pixels from their centres; NaN where one lies beyond the clip. */
// @ts-ignore: decorator
@inline
function totalOf(job: Job, g: usize, centre: v128): v128 {
  const zero = f32x4.splat(0)
  const low = f32x4.splat(job.clipLow)
  const high = f32x4.splat(job.clipHigh)
  const level = f32x4.pmax(zero, centre)
  const shared = relativeVariance(job.clipRelative, centre)
  let total = zero
  let within = i32x4.splat(-1)
  for (let k = 0; k < job.n; k++) {
    const from = planeOf(job, k)
    const d = f32x4.sub(v128.load(row(job.values, k) + g), centre)
    const constant = f32x4.add(f32x4.splat(from.variance), shared)
    const variance = f32x4.add(constant, f32x4.mul(f32x4.splat(from.perUnit), level))
    const clip = v128.bitselect(low, high, f32x4.lt(d, zero))
    within = v128.and(within, f32x4.le(f32x4.mul(d, d), f32x4.mul(clip, variance)))
    total = f32x4.add(total, f32x4.mul(f32x4.splat(from.weight), d))
  }
  return v128.or(total, v128.not(within))
}
