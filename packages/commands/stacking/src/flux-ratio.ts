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

/** In medians, stars of less noise than this count alike: no few rule them. */
const ALIKE = 1e-2

/**
 * Weighted mean without outliers, and its error. Stars scatter by more than photon noise (flat fields, neighbours, variables),
 * by `least` squared or more: what they do is added to their variances.
 */
export function steadyMean(samples: readonly Sample[], least: number): SteadyMean | undefined {
  if (samples.length < FEWEST) return undefined
  const weights = samples.map(({ variance }) => 1 / (variance + ALIKE ** 2))
  const centre = weightedMedian(
    samples.map(({ value }) => value),
    weights,
  )
  const squares = samples.map(({ value, variance }) => (value - centre) ** 2 / 0.455 - variance)
  const off = weightedMedian(squares, weights)
  const excess = Math.max(least ** 2, off)
  let [mean, sum, kept] = [centre, 0, samples.map(() => true)]
  for (let round = 0; round < 5; round++) {
    kept = samples.map(({ value, variance }) => Math.abs(value - mean) <= 3 * Math.sqrt(variance + excess))
    const good = samples.filter((_, k) => kept[k])
    if (good.length < FEWEST) return undefined
    sum = good.reduce((total, { variance }) => total + 1 / (variance + excess), 0)
    mean = good.reduce((total, { value, variance }) => total + value / (variance + excess), 0) / sum
  }
  return { mean, error: 1 / Math.sqrt(sum), count: kept.filter((one) => one).length, kept }
}

/** Half of the weight lies below it, and half above. */
function weightedMedian(values: readonly number[], weights: readonly number[]): number {
  const order = values.map((_, k) => k).sort((i, j) => values[i] - values[j] || i - j)
  const half = weights.reduce((sum, weight) => sum + weight, 0) / 2
  let below = 0
  for (const [n, k] of order.entries()) {
    below += weights[k]
    if (below > half) return values[k]
    if (below === half) return (values[k] + values[order[n + 1]]) / 2
  }
  return values[order[order.length - 1]]
}
