import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, mad, numbersOf } from './median.js'

export interface RobustOptions {
  /** Values further than this from the median are set aside, in sigma. */
  clip?: number
  /** At most so many rounds; they end earlier when a round sets nothing aside. */
  iterations?: number
}

export interface RobustStatistics {
  /** Mean, median, standard deviation, smallest and largest of the values that were kept. */
  mean: number
  median: number
  sigma: number
  minimum: number
  maximum: number
  /** How many were kept. */
  count: number
  /** How many were NaN or infinite. */
  bad: number
}

/**
 * Level and noise of data with outliers: values further than `clip` sigma from the median of the kept are set aside, in
 * rounds, each of which looks at all values again. Sigma is first the scaled MAD, so that a few wild values cannot hide themselves, then the standard deviation
 * of what is kept, made larger for the tails that the clip itself cut off (1.3 % at 3 sigma), so that it is the sigma of
 * the Gaussian. Without outliers nothing is cut and nothing corrected.
 */
export function robustStatistics(values: ArrayLike<number>, options: RobustOptions = {}): RobustStatistics {
  if (values instanceof Float32Array && values.length >= WORTH_A_KERNEL) return statisticsOfFloats(values, options)
  return plainStatistics(values, options)
}

/** The same for any values, in plain loops. */
export function plainStatistics(values: ArrayLike<number>, options: RobustOptions = {}): RobustStatistics {
  const { clip = 3, iterations = 5 } = options
  const { scratch, n: numbers } = numbersOf(values)
  const finite = scratch.subarray(0, numbers).filter(Number.isFinite).sort()
  let kept = finite
  let centre = middleOf(kept)
  let sigma = MAD_TO_SIGMA * mad(kept, centre)
  for (let round = 0; round < iterations && finite.length > 0; round++) {
    // More than half of quantised data may be equal: their MAD is 0 and says nothing.
    if (sigma === 0) sigma = moments(kept).sigma
    const near = finite.subarray(
      firstAbove(finite, centre - clip * sigma, true),
      firstAbove(finite, centre + clip * sigma),
    )
    const same = near.length === kept.length
    kept = near
    if (same) break
    centre = middleOf(kept)
    sigma = moments(kept).sigma * truncationFactor(clip)
  }
  const { mean, sigma: plain } = moments(kept)
  return {
    ...{ mean, median: centre, sigma: kept.length < finite.length ? plain * truncationFactor(clip) : plain },
    ...{ minimum: kept[0] ?? Number.NaN, maximum: kept.at(-1) ?? Number.NaN },
    ...{ count: kept.length, bad: values.length - finite.length },
  }
}

function middleOf(sorted: Float64Array): number {
  const n = sorted.length
  return n > 0 ? sorted[(n - 1) >> 1] / 2 + sorted[n >> 1] / 2 : Number.NaN
}

/** The first place in a sorted list whose value is above `limit`, or equal to it when `orEqual`. */
function firstAbove(sorted: Float64Array, limit: number, orEqual = false): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] > limit || (orEqual && sorted[middle] === limit)) high = middle
    else low = middle + 1
  }
  return low
}

/** Below this many floats the way into the kernel is longer than the work. */
const WORTH_A_KERNEL = 256

function statisticsOfFloats(values: Float32Array, options: RobustOptions): RobustStatistics {
  const { clip = 3, iterations = 5 } = options
  const n = values.length
  return scoped(() => {
    // A bracket about the median holds a few hundredths of the values, more where many are equal: room for half of them.
    const buffer = allocate(Float32Array, Math.max(4096, n >> 1) + 16)
    const results = allocate(Float64Array, 7)
    kernels().clippedStatistics(
      ...([lent(values).byteOffset, n, clip, truncationFactor(clip), iterations, 0] as const),
      ...([buffer.byteOffset, buffer.length - 16, results.byteOffset] as const),
    )
    const [mean, median, sigma, minimum, maximum, count, bad] = results
    return { mean, median, sigma, minimum, maximum, count, bad }
  })
}

/** Factors that were asked for: a few clips are used over and over. */
const factors = new Map<number, number>()

/** Sigma of a Gaussian over the sigma of its middle part, cut at ± `clip`. */
export function truncationFactor(clip: number): number {
  if (!(clip > 0) || clip > 8) return 1
  const known = factors.get(clip)
  if (known !== undefined) return known
  const factor = integrateTruncation(clip)
  if (factors.size < 64) factors.set(clip, factor)
  return factor
}

/** 2 c φ(c) / (2 Φ(c) - 1) is what the variance lacks; the middle integrated by Simpson's rule. */
function integrateTruncation(clip: number): number {
  const steps = 200
  const density = (x: number) => Math.exp((-x * x) / 2)
  let area = density(0) + density(clip)
  for (let i = 1; i < steps; i++) area += (i & 1 ? 4 : 2) * density((clip * i) / steps)
  area *= clip / steps / 3
  return 1 / Math.sqrt(1 - (clip * density(clip)) / area)
}

function moments(values: Float64Array): { mean: number; sigma: number } {
  const n = values.length
  if (n === 0) return { mean: Number.NaN, sigma: Number.NaN }
  const pivot = values[n >> 1]
  let first = 0
  for (let i = 0; i < n; i++) first += values[i] - pivot
  const mean = pivot + first / n
  let second = 0
  for (let i = 0; i < n; i++) second += (values[i] - mean) ** 2
  return { mean, sigma: n > 1 ? Math.sqrt(second / (n - 1)) : 0 }
}
