import { MAD_TO_SIGMA, median } from '@nightpipe/math'

/** The response of one order of one fibre in one flat: 0 where there is none. */
export interface FlatSample {
  response: ArrayLike<number>
  /** electrons at response 1: what its noise is reckoned from; undefined where unknown */
  amplitude?: number
}

/** A response of several flats. */
export interface CombinedFlat {
  response: Float64Array
  /** one sigma */
  error: Float64Array
  /** samples left out */
  rejected: number
}

/** Columns of the boxcar that separates what lamps differ by (slow) from the response of pixels (fast); it runs thrice. */
const SLOW = 51
/** Samples further than this from the median of their column, by the noise expected there, are left out. */
const CLIP = 5

/**
 * Flats combined: each is first brought to the slow shape that they have in common (the lamp changes its colour and
 * level), then the mean weighted by the light of each, samples that stand out left out. Flats that are 1 at their
 * highest give one that is so.
 */
export function combineFlats(samples: readonly FlatSample[]): CombinedFlat {
  const n = samples[0]!.response.length
  const middle = columnMedian(
    samples.map(({ response }) => response),
    n,
  )
  const slow = samples.map(({ response }) => slowRatio(response, middle))
  const weights = weightsOf(samples)
  const noise = samples.map((sample, k) => noiseOf(sample, slow[k]!, middle))
  const colour = weightedMean(slow, weights, n)
  const mean = new Float64Array(n)
  const error = new Float64Array(n)
  let rejected = 0
  for (let x = 0; x < n; x++) {
    if (!(middle[x]! > 0)) continue
    let [sum, total, variance] = [0, 0, 0]
    for (let k = 0; k < samples.length; k++) {
      const value = samples[k]!.response[x]!
      if (!(value > 0)) continue
      const level = value / slow[k]![x]!
      const sigma = noise[k]! * Math.sqrt(middle[x]!)
      if (samples.length > 2 && Math.abs(level - middle[x]!) > CLIP * sigma) {
        rejected++
        continue
      }
      sum += weights[k]! * level
      total += weights[k]!
      variance += (weights[k]! * sigma) ** 2
    }
    if (total === 0) continue
    const shape = colour[x]!
    mean[x] = (sum / total) * shape
    error[x] = (Math.sqrt(variance) / total) * shape
  }
  return { response: mean, error, rejected }
}

/** As of old (nres.md 4.6): the mean of the slow parts and the median of the fast ones; of two flats the mean. */
export function combineFlatsSplit(samples: readonly FlatSample[]): CombinedFlat {
  const n = samples[0]!.response.length
  const slow = samples.map(({ response }) => thrice(response, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY))
  const fast = samples.map(({ response }, k) => Float64Array.from(response, (value, x) => value - slow[k]![x]!))
  const high = samples.length > 2 ? columnMedian(fast, n, false) : columnMean(fast, n)
  const low = columnMean(slow, n)
  const mean = low.map((value, x) => value + high[x]!)
  const error = mean.map((value, x) => {
    const spread = fast.map((one) => (one[x]! - high[x]!) ** 2).reduce((sum, v) => sum + v, 0)
    return value > 0 ? Math.sqrt(spread / Math.max(1, samples.length - 1) / samples.length) : 0
  })
  return { response: mean, error, rejected: 0 }
}

function weightedMean(rows: readonly Float64Array[], weights: readonly number[], n: number): Float64Array {
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  const mean = new Float64Array(n)
  for (const [k, row] of rows.entries()) for (let x = 0; x < n; x++) mean[x]! += (row[x]! * weights[k]!) / all
  return mean
}

function columnMean(rows: readonly ArrayLike<number>[], n: number): Float64Array {
  const mean = new Float64Array(n)
  for (const row of rows) for (let x = 0; x < n; x++) mean[x]! += row[x]! / rows.length
  return mean
}

/** The median over the flats; of responses, of those that have one, where at least half do. */
function columnMedian(rows: readonly ArrayLike<number>[], n: number, responses = true): Float64Array {
  const out = new Float64Array(n)
  const values = new Float64Array(rows.length)
  for (let x = 0; x < n; x++) {
    let good = 0
    for (let k = 0; k < rows.length; k++) {
      const value = rows[k]![x]!
      if (!responses || value > 0) values[good++] = value
    }
    if (2 * good >= rows.length && good > 0) out[x] = median(values, good)
  }
  return out
}

/** How a flat differs from the median of all, slowly with the column. */
function slowRatio(response: ArrayLike<number>, middle: Float64Array): Float64Array {
  const n = middle.length
  const ratio = new Float64Array(n)
  const sample = new Float64Array(n)
  let good = 0
  for (let x = 0; x < n; x++) {
    if (!(middle[x]! > 0 && response[x]! > 0)) continue
    ratio[x] = response[x]! / middle[x]!
    if (x % SPARSE === 0) sample[good++] = ratio[x]!
  }
  const typical = good > 0 ? median(sample, good) : 1
  // what stands out is no colour of the lamp
  const slow = thrice(ratio, 0.5 * typical, 2 * typical)
  for (let x = 0; x < n; x++) if (slow[x] === 0) slow[x] = typical
  return slow
}

/** Every such column will do to tell a typical value. */
const SPARSE = 4

/** Three boxcars of 51 columns, of values between two; 0 where there are none. */
function thrice(values: ArrayLike<number>, low: number, high: number): Float64Array {
  const n = values.length
  const now = new Float64Array(n)
  const counts = new Float64Array(n + 1)
  const sums = new Float64Array(n + 1)
  for (let x = 0; x < n; x++) {
    const good = values[x]! > low && values[x]! < high
    now[x] = good ? values[x]! : 0
    counts[x + 1] = counts[x]! + (good ? 1 : 0)
  }
  for (let round = 0; round < 3; round++) {
    for (let x = 0; x < n; x++) sums[x + 1] = sums[x]! + now[x]!
    for (let x = 0; x < n; x++) {
      const reach = Math.min(SLOW >> 1, x, n - 1 - x)
      const count = counts[x + reach + 1]! - counts[x - reach]!
      now[x] = count > 0 ? (sums[x + reach + 1]! - sums[x - reach]!) / count : 0
    }
    // from now on there is a value wherever one was near
    for (let x = 0; x < n; x++) counts[x + 1] = counts[x]! + (now[x] !== 0 ? 1 : 0)
  }
  return now
}

/** By light, where that is known of all; else equal. */
function weightsOf(samples: readonly FlatSample[]): number[] {
  const known = samples.every(({ amplitude }) => amplitude !== undefined && amplitude > 0)
  return samples.map(({ amplitude }) => (known ? amplitude! : 1))
}

/** Noise of a flat at response 1: that of its photons, or what it scatters by about the median, whichever is more. */
function noiseOf({ response, amplitude }: FlatSample, slow: Float64Array, middle: Float64Array): number {
  const pulls = new Float64Array(middle.length)
  let n = 0
  for (let x = 0; x < middle.length; x += SPARSE) {
    if (!(middle[x]! > 0 && response[x]! > 0)) continue
    pulls[n++] = Math.abs(response[x]! / slow[x]! - middle[x]!) / Math.sqrt(middle[x]!)
  }
  const seen = n > 0 ? MAD_TO_SIGMA * median(pulls, n) : 0
  return Math.max(seen, amplitude ? 1 / Math.sqrt(amplitude) : 0)
}
