import { medianOf } from '@nightpipe/math'

/** Least number of stars that a scale is believed from. */
const FEWEST = 3

export interface Sample {
  value: number
  /** Of photon noise. */
  variance: number
}

export interface SteadyMean {
  mean: number
  error: number
  count: number
  /** For each sample whether it was kept. */
  kept: boolean[]
}

/**
 * Weighted mean without outliers, and its error. Stars scatter by more than photon noise (flat fields, neighbours, variables),
 * by `least` squared or more: what they do is added to their variances.
 */
export function steadyMean(samples: readonly Sample[], least: number): SteadyMean | undefined {
  if (samples.length < FEWEST) return undefined
  let mean = medianOf(samples.map(({ value }) => value))
  const off = medianOf(samples.map(({ value, variance }) => (value - mean) ** 2 / 0.455 - variance))
  const excess = Math.max(least ** 2, off)
  let [sum, kept] = [0, samples.map(() => true)]
  for (let round = 0; round < 5; round++) {
    kept = samples.map(({ value, variance }) => Math.abs(value - mean) <= 3 * Math.sqrt(variance + excess))
    const good = samples.filter((_, k) => kept[k])
    if (good.length < FEWEST) return undefined
    sum = good.reduce((total, { variance }) => total + 1 / (variance + excess), 0)
    mean = good.reduce((total, { value, variance }) => total + value / (variance + excess), 0) / sum
  }
  return { mean, error: 1 / Math.sqrt(sum), count: kept.filter((one) => one).length, kept }
}
