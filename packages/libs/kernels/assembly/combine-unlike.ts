// Errors of medians and of means without extremes where the frames differ by more than their noise: in stars, when the seeing changes.
import { distances } from './combine-clip'
import {
  ERROR, FROM_ERRORS, Job, MEDIAN, SAMPLES, SPARE, SPREAD, VALUE, planeOf, row,
} from './combine-job'
import { medianBlock, sortValues } from './sort-planes'

/**
 * Samples that differ by more than their noise keep their places in the order: few of them, or one, decide what a median is, and
 * its error is theirs. How much they differ is their MAD over their noise, but at most `unlike` times the value: a sky has none.
 */
export function tellUnlike(job: Job, holes: bool): void {
  let some = false
  for (let column: usize = 0; column < 64; column += 4) some = some || room(job, column) > 0
  if (!some) return
  distances(job)
  medianBlock(job, job.distances, holes, job.result + SPARE, job.result + SPREAD)
  // the median may have been found where the sorted samples were
  if (job.method != MEDIAN) sortValues(job.values, job.n, job.sorted, job.result + SPARE, job.pairs, job.pairCount)
  for (let column: usize = 0; column < 64; column += 4) tellColumn(job, column)
}

/** Variance of a sample, as the error of the result tells it. */
// @ts-ignore: decorator
@inline
function noiseOf(job: Job, column: usize): f32 {
  const n = load<i32>(job.result + SAMPLES + column)
  const error = load<f32>(job.result + ERROR + column)
  return (error * error * <f32>n) / load<f32>(job.loss + ((<usize>n) << 2))
}

/** What the light allows samples to differ by, squared, beyond the noise and in units of it. */
// @ts-ignore: decorator
@inline
function room(job: Job, column: usize): f32 {
  const light = job.unlike * max<f32>(0, load<f32>(job.result + VALUE + column))
  return (light * light) / noiseOf(job, column) - 1
}

function tellColumn(job: Job, column: usize): void {
  const n = load<i32>(job.result + SAMPLES + column)
  if (n < 3) return
  const mad = load<f32>(job.result + SPREAD + column) * load<f32>(job.madFactor + ((<usize>n) << 2))
  const beyond = min<f32>(room(job, column), (mad * mad) / noiseOf(job, column) - 1)
  if (!(beyond > 0)) return
  const part = beyond / (beyond + 1) // of a distance from the middle that is not noise
  const error = load<f32>(job.result + ERROR + column)
  const kept = n - job.lowest - job.highest
  const variance = job.method == MEDIAN || kept <= 1
    ? medianVariance(job, column, n, part)
    : (1 - part) * error * error + part * insideVariance(job, column, n, kept)
  store<f32>(job.result + ERROR + column, Mathf.sqrt(variance))
}

// @ts-ignore: decorator
@inline
function sampleVariance(job: Job, k: i32, column: usize): f32 {
  if (job.errorFrom == FROM_ERRORS) return load<f32>(row(job.variances, k) + column)
  const from = planeOf(job, k)
  const value = load<f32>(job.result + VALUE + column)
  return from.variance + from.perUnit * value + job.relative * job.relative * value * value
}

/**
 * Each sample decides in proportion to its density at the median (Cramér 1946, ch. 28.5), as far as its distance is not noise:
 * among equals as the inverse of its noise, and as the others do where it keeps its place whatever its noise.
 * The fewer do, the less the median loses against their mean: as one of so many samples, even or odd as they are.
 */
function medianVariance(job: Job, column: usize, n: i32, part: f32): f32 {
  const noise = noiseOf(job, column)
  const middle: f32 = part / Mathf.sqrt(noise)
  let nearest: f32 = f32.MAX_VALUE
  for (let k = 0; k < job.n; k++) nearest = min<f32>(nearest, exponent(job, k, column, middle))
  let weights: f32 = 0
  let squares: f32 = 0
  let inverse: f32 = 0
  for (let k = 0; k < job.n; k++) {
    const away = exponent(job, k, column, middle)
    if (away == f32.MAX_VALUE) continue
    const own = sampleVariance(job, k, column)
    const alike: f32 = 1 / Mathf.sqrt(own)
    const weight: f32 = Mathf.exp(nearest - away) * ((1 - part) * alike + middle)
    weights += weight
    squares += weight * weight * own
    inverse += alike
  }
  const variance = squares / (weights * weights)
  return variance * lossOf(job, n, (<f32>n * <f32>n) / (inverse * inverse * variance))
}

/** Of a sample's distance from the median; largest for one that there is not. */
// @ts-ignore: decorator
@inline
function exponent(job: Job, k: i32, column: usize, perUnit: f32): f32 {
  const off = perUnit * load<f32>(row(job.distances, k) + column)
  return off == off ? off * off : f32.MAX_VALUE
}

/** The loss of a median of `deciding` samples, between those of numbers that are even or odd as `n` is. */
function lossOf(job: Job, n: i32, deciding: f32): f32 {
  const first = 2 - (n & 1)
  const place = max<f32>(0, min<f32>(deciding, <f32>n) - <f32>first) / 2
  const below = first + 2 * <i32>place
  const at = job.loss + ((<usize>below) << 2)
  const loss = load<f32>(at)
  return below + 2 > n ? loss : loss + (place - Mathf.floor(place)) * (load<f32>(at, 8) - loss)
}

/** Of the mean of just those samples that are no extremes. */
function insideVariance(job: Job, column: usize, n: i32, kept: i32): f32 {
  const low = load<f32>(row(job.sorted, job.lowest) + column)
  const high = load<f32>(row(job.sorted, n - job.highest - 1) + column)
  let sum: f32 = 0
  let count = 0
  for (let k = 0; k < job.n; k++) {
    const v = load<f32>(row(job.values, k) + column)
    if (!(v >= low && v <= high)) continue
    sum += sampleVariance(job, k, column)
    count++
  }
  return sum / (<f32>kept * <f32>count) // equal samples may be more than are kept
}
