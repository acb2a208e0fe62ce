import { rangeOf } from './scale.js'
import type { Drawn, Series } from './series.js'

type Histogram = Extract<Series, { kind: 'histogram' }>

/** Counts of values in equal bins over `range` (the whole range of the values); what lies outside is not counted. */
export function binCounts(values: ArrayLike<number>, bins: number, [low, high]: readonly [number, number]): number[] {
  const counts = new Array<number>(bins).fill(0)
  const perUnit = bins / (high - low)
  for (let k = 0; k < values.length; k++) {
    const bin = Math.floor((values[k] - low) * perUnit)
    if (bin >= 0 && bin < bins) counts[bin]++
    else if (values[k] === high) counts[bins - 1]++
  }
  return counts
}

export function histogramBars({ values, bins = 80, range, label, colour }: Histogram): Drawn {
  const [low, high] = range ?? rangeOf(Array.from(values))
  const edges = Array.from({ length: bins + 1 }, (_, k) => low + (k * (high - low)) / bins)
  return { kind: 'bars', edges, counts: binCounts(values, bins, [low, high]), label, colour }
}
