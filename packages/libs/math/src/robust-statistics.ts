import { MAD_TO_SIGMA, mad, median, numbersOf } from './median.js'

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
 * Level and noise of data with outliers: values further than `clip` sigma from the median are set aside, again and
 * again. Sigma is first the scaled MAD, so that a few wild values cannot hide themselves, then the standard deviation
 * of what is kept, made larger for the tails that the clip itself cut off (1.3 % at 3 sigma), so that it is the sigma of
 * the Gaussian. Without outliers nothing is cut and nothing corrected.
 */
export function robustStatistics(values: ArrayLike<number>, options: RobustOptions = {}): RobustStatistics {
  const { clip = 3, iterations = 5 } = options
  const { scratch, n: numbers } = numbersOf(values)
  let n = 0
  for (let i = 0; i < numbers; i++) if (Number.isFinite(scratch[i])) scratch[n++] = scratch[i]
  const finite = n
  let centre = median(scratch, n)
  let sigma = MAD_TO_SIGMA * mad(scratch.subarray(0, n), centre)
  for (let round = 0; round < iterations && n > 0; round++) {
    // More than half of quantised data may be equal: their MAD is 0 and says nothing.
    if (sigma === 0) sigma = moments(scratch, n).sigma
    const kept = keepWithin(scratch, n, centre, clip * sigma)
    if (kept === n) break
    n = kept
    centre = median(scratch, n)
    sigma = moments(scratch, n).sigma * truncationFactor(clip)
  }
  const { mean, sigma: plain } = moments(scratch, n)
  const factor = n < finite ? truncationFactor(clip) : 1
  const { minimum, maximum } = range(scratch, n)
  return { mean, median: centre, sigma: plain * factor, minimum, maximum, count: n, bad: values.length - finite }
}

/** Sigma of a Gaussian over the sigma of its middle part, cut at ± `clip`. */
export function truncationFactor(clip: number): number {
  if (!(clip > 0) || clip > 8) return 1
  // 2 c φ(c) / (2 Φ(c) - 1), the middle integrated by Simpson's rule
  const steps = 200
  const density = (x: number) => Math.exp((-x * x) / 2)
  let area = density(0) + density(clip)
  for (let i = 1; i < steps; i++) area += (i & 1 ? 4 : 2) * density((clip * i) / steps)
  area *= clip / steps / 3
  return 1 / Math.sqrt(1 - (clip * density(clip)) / area)
}

function keepWithin(values: Float64Array, n: number, centre: number, limit: number): number {
  let kept = 0
  for (let i = 0; i < n; i++) if (!(Math.abs(values[i] - centre) > limit)) values[kept++] = values[i]
  return kept
}

function moments(values: Float64Array, n: number): { mean: number; sigma: number } {
  if (n === 0) return { mean: Number.NaN, sigma: Number.NaN }
  const pivot = values[0]
  let first = 0
  for (let i = 0; i < n; i++) first += values[i] - pivot
  const mean = pivot + first / n
  let second = 0
  for (let i = 0; i < n; i++) second += (values[i] - mean) ** 2
  return { mean, sigma: n > 1 ? Math.sqrt(second / (n - 1)) : 0 }
}

function range(values: Float64Array, n: number): { minimum: number; maximum: number } {
  if (n === 0) return { minimum: Number.NaN, maximum: Number.NaN }
  let minimum = values[0]
  let maximum = values[0]
  for (let i = 1; i < n; i++) {
    if (values[i] < minimum) minimum = values[i]
    if (values[i] > maximum) maximum = values[i]
  }
  return { minimum, maximum }
}
