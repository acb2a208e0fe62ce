import { medianOf, robustStatistics } from '@nightpipe/math'
import { neighbourNoise } from './measure.js'

/** Box, in pixels of a row sample, within which two flats are compared: small against their illumination. */
const BOX = 256

/** A value with its standard error. */
export interface Measured {
  value: number
  error: number
}

/**
 * Read noise in ADU from two biases (Janesick 2001, Scientific Charge-Coupled Devices, ch. 2): the deviation of their
 * difference over √2. What both have in common, the structure of the bias, drops out; neighbours in a row are compared,
 * so that a level that drifts from row to row does not count as noise.
 */
export function readNoiseOfPair(a: Float32Array, b: Float32Array, width: number): number {
  const difference = new Float32Array(a.length)
  for (let k = 0; k < a.length; k++) difference[k] = a[k] - b[k]
  return neighbourNoise(difference, width) / Math.SQRT2
}

/**
 * Gain in electrons per ADU from two flats (photon transfer of a pair). With each divided by its own level L over a
 * box, the pixels' response drops out of the difference and
 *   variance = (1/L1 + 1/L2) / gain + readNoise² (1/L1² + 1/L2²).
 * The gain of the pair is that of the mean variance of its boxes. `below` is what of the levels is not light: the bias.
 */
export function gainOfPair(a: Float32Array, b: Float32Array, readNoiseAdu: number, below = 0): Measured | undefined {
  const inverse: number[] = []
  const ratio = new Float32Array(BOX)
  for (let start = 0; start + BOX <= a.length; start += BOX) {
    const first = a.subarray(start, start + BOX)
    const second = b.subarray(start, start + BOX)
    const [l1, l2] = [medianOf(first) - below, medianOf(second) - below]
    if (!(l1 > 0) || !(l2 > 0)) continue
    for (let k = 0; k < BOX; k++) ratio[k] = (first[k] - below) / l1 - (second[k] - below) / l2
    const { sigma, count } = robustStatistics(ratio, { clip: 4 })
    if (count < BOX / 2) continue
    // Medians of 256 values take up a little of the variance, as the mean of n does by 1/n.
    const variance = sigma ** 2 * (count / (count - 1))
    inverse.push((variance - readNoiseAdu ** 2 * (1 / l1 ** 2 + 1 / l2 ** 2)) / (1 / l1 + 1 / l2))
  }
  if (inverse.length < 8) return undefined
  const { mean, sigma, count } = robustStatistics(Float32Array.from(inverse), { clip: 4 })
  if (!(mean > 0)) return undefined
  return { value: 1 / mean, error: sigma / Math.sqrt(count) / mean ** 2 }
}

/** The median of what pairs say, with the standard error of their mean. */
export function pooled(values: readonly number[]): Measured | undefined {
  if (values.length === 0) return undefined
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length - 1)
  return { value: medianOf(values), error: Math.sqrt(variance / values.length) }
}

/** The mean of measured values, each weighted by its error; the error is that of the mean, or their scatter if larger. */
export function weightedMean(values: readonly Measured[]): Measured | undefined {
  if (values.length === 0) return undefined
  const weights = values.map(({ error }) => 1 / error ** 2)
  const weight = weights.reduce((sum, w) => sum + w, 0)
  const value = values.reduce((sum, v, k) => sum + weights[k] * v.value, 0) / weight
  const chi2 =
    values.reduce((sum, v, k) => sum + weights[k] * (v.value - value) ** 2, 0) / Math.max(1, values.length - 1)
  return { value, error: Math.sqrt(Math.max(1, chi2) / weight) }
}
