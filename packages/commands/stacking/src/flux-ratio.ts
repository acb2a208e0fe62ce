import { medianOf } from '@nightpipe/math'
import type { PlaceFluxes } from '@nightpipe/registration'

/** Least number of stars that a scale is believed from. */
export const FEWEST = 3

export interface Sample {
  value: number
  /** Of photon noise. */
  variance: number
}

/**
 * Weighted mean without outliers, and its error. Stars scatter by more than photon noise (flat fields, neighbours, variables),
 * by `least` squared or more: what they do is added to their variances.
 */
export function steadyMean(
  samples: readonly Sample[],
  least: number,
): { mean: number; error: number; count: number } | undefined {
  if (samples.length < FEWEST) return undefined
  let mean = medianOf(samples.map(({ value }) => value))
  const off = medianOf(samples.map(({ value, variance }) => (value - mean) ** 2 / 0.455 - variance))
  const excess = Math.max(least ** 2, off)
  let [sum, count] = [0, 0]
  for (let round = 0; round < 5; round++) {
    const kept = samples.filter(({ value, variance }) => Math.abs(value - mean) <= 3 * Math.sqrt(variance + excess))
    if (kept.length < FEWEST) return undefined
    count = kept.length
    sum = kept.reduce((total, { variance }) => total + 1 / (variance + excess), 0)
    mean = kept.reduce((total, { value, variance }) => total + value / (variance + excess), 0) / sum
  }
  return { mean, error: 1 / Math.sqrt(sum), count }
}

/** Flux of stars in the first over that in the second: weighted mean of the logarithms, without outliers. */
export function ratioOf(a: PlaceFluxes, b: PlaceFluxes): { scale: number; error: number; common: number } | undefined {
  const logs: Sample[] = []
  for (let k = 0; k < a.flux.length; k++) {
    const [p, q] = [a.flux[k], b.flux[k]]
    const variance = (a.error[k] / p) ** 2 + (b.error[k] / q) ** 2
    // a star of ten sigma still tells; fainter ones bias a logarithm
    if (p > 10 * a.error[k] && q > 10 * b.error[k]) logs.push({ value: Math.log(p / q), variance })
  }
  const found = steadyMean(logs, 1e-3)
  return found && { scale: Math.exp(found.mean), error: Math.exp(found.mean) * found.error, common: found.count }
}
