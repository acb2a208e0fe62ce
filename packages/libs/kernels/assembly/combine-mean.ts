// Mean, weighted or not, of all samples or of those near the median. Sums run over the distances from a centre: float32
// then loses nothing that matters.
import {
  CENTRE, CLIP, COUNT, ERROR, FROM_ERRORS, FROM_MODEL, FROM_SCATTER, Job, NOWHERE, SAMPLES, VALUE, isConstant, modelVariance,
  planeOf, relativeVariance, row, varianceAt,
} from './combine-job'
import { clipVariance, dropRejected, leftEmpty, moveToLowerCamp, spreads, within } from './combine-clip'
import { sumWhole } from './combine-whole'
import { medianBlock } from './sort-planes'

export function combineMean(job: Job, someHoles: bool, canBeWhole: bool): void {
  let holes = someHoles
  const rounds = job.method == CLIP ? job.iterations : 0
  if (rounds == 0) {
    plainMeans(job)
    sum(job, false)
  }
  for (let round = 0; round < rounds; round++) {
    const samples = job.result + SAMPLES
    medianBlock(job, job.values, holes, samples, job.result + CENTRE)
    if (job.clipFrom == FROM_SCATTER) spreads(job, holes)
    if (canBeWhole && !holes && sumWhole(job)) return
    if (!sum(job, true)) return
    if (leftEmpty(job)) {
      moveToLowerCamp(job)
      sum(job, true)
    }
    if (round + 1 == rounds) return
    dropRejected(job)
    holes = true
  }
}

/** A first mean of each column, about which the exact one is summed. */
function plainMeans(job: Job): void {
  for (let g: usize = 0; g < 64; g += 16) {
    let sum = f32x4.splat(0)
    let n = i32x4.splat(0)
    for (let k = 0; k < job.n; k++) {
      const v = v128.load(row(job.values, k) + g)
      const good = f32x4.eq(v, v)
      sum = f32x4.add(sum, v128.and(v, good))
      n = i32x4.sub(n, good)
    }
    v128.store(job.result + CENTRE + g, f32x4.div(sum, f32x4.convert_i32x4_s(n)))
    v128.store(job.result + SAMPLES + g, n)
  }
}

/** Values, errors and counts of the samples, of those within the clip when `clipping`. True when some are not. */
function sum(job: Job, clipping: bool): bool {
  const simple = job.uniform && (!clipping || job.clipFrom != FROM_ERRORS) && job.errorFrom != FROM_ERRORS
  let fewer = i32x4.splat(0)
  for (let g: usize = 0; g < 64; g += 16) {
    if (simple) sumAlike(job, g, clipping)
    else sumEach(job, g, clipping)
    fewer = v128.or(fewer, i32x4.ne(v128.load(job.result + COUNT + g), v128.load(job.result + SAMPLES + g)))
  }
  return v128.any_true(fewer)
}

/** Four pixels, all planes of the same weight and noise. */
function sumAlike(job: Job, g: usize, clipping: bool): void {
  const zero = f32x4.splat(0)
  const centre = v128.load(job.result + CENTRE + g)
  let low = f32x4.splat(Infinity)
  let high = low
  if (clipping) {
    const variance = clipVariance(job, planeOf(job, 0), 0, g, centre)
    low = f32x4.mul(f32x4.splat(job.clipLow), variance)
    high = f32x4.mul(f32x4.splat(job.clipHigh), variance)
  }
  const lopsided = clipping && job.clipLow != job.clipHigh
  const scattered = job.errorFrom == FROM_SCATTER
  let total = zero
  let squares = zero
  let count = i32x4.splat(0)
  const end = row(job.values, job.n)
  for (let at = job.values + g; at < end; at += 64) {
    const d = f32x4.sub(v128.load(at), centre)
    const dd = f32x4.mul(d, d)
    const limit = lopsided ? v128.bitselect(low, high, f32x4.lt(d, zero)) : high
    const good = f32x4.le(dd, limit)
    total = f32x4.add(total, v128.and(d, good))
    if (scattered) squares = f32x4.add(squares, v128.and(dd, good))
    count = i32x4.sub(count, good)
  }
  const n = f32x4.convert_i32x4_s(count)
  const shift = f32x4.div(total, n)
  const value = f32x4.add(f32x4.add(centre, shift), zero)
  v128.store(job.result + COUNT + g, count)
  v128.store(job.result + VALUE + g, value)
  if (job.errorFrom == NOWHERE) return
  let variance: v128
  if (scattered) {
    variance = sampleVariance(f32x4.div(squares, n), shift, n)
  } else {
    const first = planeOf(job, 0)
    const constant = f32x4.splat(first.variance)
    if (isConstant(job, first, value)) variance = constant
    else {
      variance = varianceAt(value, f32x4.div(constant, n), constant, f32x4.splat(first.perUnit))
      variance = f32x4.add(variance, relativeVariance(job.relative, value))
    }
  }
  v128.store(job.result + ERROR + g, f32x4.sqrt(f32x4.div(variance, n)))
}

/** From the mean square distance from the centre, and the distance of the mean from it. */
// @ts-ignore: decorator
@inline
function sampleVariance(meanSquare: v128, shift: v128, n: v128): v128 {
  const about = f32x4.pmax(f32x4.splat(0), f32x4.sub(meanSquare, f32x4.mul(shift, shift)))
  return f32x4.div(f32x4.mul(about, n), f32x4.sub(n, f32x4.splat(1)))
}

/** Four pixels, each plane with a weight, a noise or errors of its own. */
function sumEach(job: Job, g: usize, clipping: bool): void {
  const zero = f32x4.splat(0)
  const centre = v128.load(job.result + CENTRE + g)
  let total = zero
  let weights = zero
  let weightSquares = zero
  let scatter = zero
  let variance = zero
  let perUnit = zero
  let count = i32x4.splat(0)
  for (let k = 0; k < job.n; k++) {
    const from = planeOf(job, k)
    const v = v128.load(row(job.values, k) + g)
    const d = f32x4.sub(v, centre)
    let good = f32x4.eq(v, v)
    if (clipping) good = within(job, d, clipVariance(job, from, k, g, centre))
    let w = f32x4.splat(from.weight)
    if (job.inverseVariance) w = f32x4.div(w, v128.load(row(job.variances, k) + g))
    w = v128.and(w, good)
    const kept = v128.and(d, good)
    const ww = f32x4.mul(w, w)
    count = i32x4.sub(count, good)
    total = f32x4.add(total, f32x4.mul(w, kept))
    weights = f32x4.add(weights, w)
    weightSquares = f32x4.add(weightSquares, ww)
    if (job.errorFrom == FROM_SCATTER) scatter = f32x4.add(scatter, f32x4.mul(f32x4.mul(w, kept), kept))
    else if (job.errorFrom == FROM_ERRORS) {
      variance = f32x4.add(variance, v128.and(f32x4.mul(ww, v128.load(row(job.variances, k) + g)), good))
    } else {
      variance = f32x4.add(variance, f32x4.mul(ww, f32x4.splat(from.variance)))
      perUnit = f32x4.add(perUnit, f32x4.mul(ww, f32x4.splat(from.perUnit)))
    }
  }
  const shift = f32x4.div(total, weights)
  const value = f32x4.add(f32x4.add(centre, shift), zero)
  v128.store(job.result + COUNT + g, count)
  v128.store(job.result + VALUE + g, value)
  if (job.errorFrom == FROM_MODEL) {
    variance = modelVariance(job, value, weights, weightSquares, variance, perUnit)
  } else if (job.errorFrom == FROM_SCATTER) {
    const n = f32x4.convert_i32x4_s(count)
    variance = f32x4.mul(weightSquares, sampleVariance(f32x4.div(scatter, weights), shift, n))
  }
  v128.store(job.result + ERROR + g, f32x4.div(f32x4.sqrt(variance), weights))
}
