// Median, and mean without the extremes: the samples in order decide.
import {
  CENTRE, COUNT, ERROR, FROM_ERRORS, FROM_MODEL, FROM_SCATTER, Job, MEDIAN, NOWHERE, SAMPLES, SPARE, SPREAD, VALUE,
  isConstant, planeOf, relativeVariance, row, varianceAt,
} from './combine-job'
import { distances } from './combine-clip'
import { tellUnlike } from './combine-unlike'
import { medianBlock, pickMiddles, sortValues } from './sort-planes'

export function combineOrdered(job: Job, holes: bool): void {
  const result = job.result
  if (job.method == MEDIAN) {
    medianBlock(job, job.values, holes, result + SAMPLES, result + VALUE)
    copyRow(result + SAMPLES, result + COUNT)
    copyRow(result + VALUE, result + CENTRE)
  } else {
    sortValues(job.values, job.n, job.sorted, result + SAMPLES, job.pairs, job.pairCount)
    pickMiddles(job.sorted, result + SAMPLES, result + CENTRE, false)
    for (let column: usize = 0; column < 64; column += 4) trimColumn(job, column)
  }
  if (job.errorFrom == NOWHERE) return
  if (job.errorFrom == FROM_SCATTER) {
    distances(job)
    medianBlock(job, job.distances, holes, result + SPARE, result + SPREAD)
  }
  for (let g: usize = 0; g < 64; g += 16) orderedError(job, g, holes)
  if (job.unlike > 0 && job.errorFrom != FROM_SCATTER) tellUnlike(job, holes)
}

/** `memory.copy` would be a call out of the kernels for every 16 pixels. */
// @ts-ignore: decorator
@inline
function copyRow(from: usize, to: usize): void {
  for (let g: usize = 0; g < 64; g += 16) v128.store(to + g, v128.load(from + g))
}

/** The mean of a sorted column without its extremes; of too few, the median. */
function trimColumn(job: Job, column: usize): void {
  const n = load<i32>(job.result + SAMPLES + column)
  const kept = n - job.lowest - job.highest
  const centre = load<f32>(job.result + CENTRE + column)
  store<f32>(job.result + VALUE + column, centre)
  store<i32>(job.result + COUNT + column, max<i32>(kept, min<i32>(n, 1)))
  if (kept <= 0) return
  let sum: f32 = 0
  for (let k = job.lowest; k < n - job.highest; k++) sum += load<f32>(row(job.sorted, k) + column) - centre
  store<f32>(job.result + VALUE + column, centre + sum / <f32>kept)
}

/** sqrt(loss · Σσ²) / n, over the samples that went in; of a median of samples of unlike noise σ is their harmonic mean. */
function orderedError(job: Job, g: usize, holes: bool): void {
  const zero = f32x4.splat(0)
  const samples = v128.load(job.result + SAMPLES + g)
  const n = f32x4.convert_i32x4_s(samples)
  let loss: v128
  let mad: v128
  if (holes) {
    loss = lookUp(job.loss, samples)
    mad = lookUp(job.madFactor, samples)
  } else {
    loss = v128.load32_splat(job.loss + ((<usize>job.n) << 2))
    mad = v128.load32_splat(job.madFactor + ((<usize>job.n) << 2))
  }
  let total: v128
  if (job.errorFrom == FROM_SCATTER) {
    const sigma = f32x4.mul(mad, v128.load(job.result + SPREAD + g))
    total = f32x4.mul(n, f32x4.mul(sigma, sigma))
    total = v128.bitselect(total, f32x4.splat(NaN), f32x4.gt(n, f32x4.splat(1))) // one sample has no scatter
  } else {
    total = summedVariance(job, g, n)
  }
  const error = f32x4.div(f32x4.sqrt(f32x4.mul(total, loss)), n)
  v128.store(job.result + ERROR + g, v128.bitselect(error, f32x4.splat(NaN), f32x4.gt(n, zero)))
}

/** Σσ² of the samples, from their errors or from the model at the value found. */
function summedVariance(job: Job, g: usize, n: v128): v128 {
  const value = v128.load(job.result + VALUE + g)
  const relative = relativeVariance(job.relative, value)
  if (job.errorFrom == FROM_MODEL && job.uniform) {
    const first = planeOf(job, 0)
    const constant = f32x4.splat(first.variance)
    if (isConstant(job, first, value)) return f32x4.mul(n, constant)
    const one = varianceAt(value, f32x4.div(constant, n), constant, f32x4.splat(first.perUnit))
    return f32x4.mul(n, f32x4.add(one, relative))
  }
  if (job.method == MEDIAN) return harmonicVariance(job, g, n, value, relative)
  let total = f32x4.splat(0)
  let perUnit = total
  for (let k = 0; k < job.n; k++) {
    const v = v128.load(row(job.values, k) + g)
    const good = f32x4.eq(v, v)
    const from = planeOf(job, k)
    let one = f32x4.splat(from.variance)
    if (job.errorFrom == FROM_ERRORS) {
      const own = v128.load(row(job.variances, k) + g)
      one = f32x4.sub(own, f32x4.mul(f32x4.splat(from.spared), f32x4.pmin(own, one)))
    } else if (from.spared != 0) one = f32x4.mul(one, f32x4.splat(1 - from.spared))
    total = f32x4.add(total, v128.and(one, good))
    perUnit = f32x4.add(perUnit, v128.and(f32x4.splat(from.perUnit), good))
  }
  if (job.errorFrom == FROM_ERRORS) return total
  const own = f32x4.div(total, f32x4.mul(n, n))
  return f32x4.add(varianceAt(value, own, total, perUnit), f32x4.mul(n, relative))
}

/**
 * n σ² of the harmonic mean of all σ: the density of the samples at their median is the sum of theirs, each of which goes as 1/σ
 * (Cramér 1946, ch. 28.5), so that one noisy sample among good ones hardly counts.
 */
function harmonicVariance(job: Job, g: usize, n: v128, value: v128, relative: v128): v128 {
  const fromErrors = job.errorFrom == FROM_ERRORS
  let own = f32x4.splat(0)
  if (!fromErrors) {
    for (let k = 0; k < job.n; k++) {
      const v = v128.load(row(job.values, k) + g)
      own = f32x4.add(own, v128.and(f32x4.splat(planeOf(job, k).variance), f32x4.eq(v, v)))
    }
    own = f32x4.div(own, f32x4.mul(n, n))
  }
  let inverse = f32x4.splat(0)
  for (let k = 0; k < job.n; k++) {
    const v = v128.load(row(job.values, k) + g)
    let variance: v128
    if (fromErrors) variance = v128.load(row(job.variances, k) + g)
    else {
      const from = planeOf(job, k)
      variance = varianceAt(value, own, f32x4.splat(from.variance), f32x4.splat(from.perUnit))
      variance = f32x4.add(variance, relative)
    }
    const one = f32x4.div(f32x4.splat(1), f32x4.sqrt(variance))
    inverse = f32x4.add(inverse, v128.and(one, f32x4.eq(v, v)))
  }
  const sigma = f32x4.div(n, inverse)
  return f32x4.mul(n, f32x4.mul(sigma, sigma))
}

function lookUp(table: usize, index: v128): v128 {
  let v = f32x4.splat(load<f32>(table + ((<usize>i32x4.extract_lane(index, 0)) << 2)))
  v = f32x4.replace_lane(v, 1, load<f32>(table + ((<usize>i32x4.extract_lane(index, 1)) << 2)))
  v = f32x4.replace_lane(v, 2, load<f32>(table + ((<usize>i32x4.extract_lane(index, 2)) << 2)))
  return f32x4.replace_lane(v, 3, load<f32>(table + ((<usize>i32x4.extract_lane(index, 3)) << 2)))
}
