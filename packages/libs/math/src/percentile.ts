import { numbersOf, select } from './median.js'

/**
 * The value below which `percent` of the data lie, interpolated between neighbours as numpy does (type 7 of Hyndman &
 * Fan 1996). NaN values are left out.
 */
export function percentile(values: ArrayLike<number>, percent: number): number {
  if (!(percent >= 0 && percent <= 100)) throw new RangeError(`percentile ${percent} is not between 0 and 100`)
  const { scratch, n } = numbersOf(values)
  if (n === 0) return Number.NaN
  const place = ((n - 1) * percent) / 100
  const rank = Math.floor(place)
  const below = select(scratch, rank, n)
  if (place === rank) return below
  let above = Number.POSITIVE_INFINITY
  for (let i = rank + 1; i < n; i++) if (scratch[i] < above) above = scratch[i]
  return below + (place - rank) * (above - below)
}

/**
 * Where the values crowd: the middle of the shortest interval that holds `fraction` of them (the half-width mode that
 * sky levels and seeing are measured with). NaN values are left out.
 */
export function mode(values: ArrayLike<number>, fraction = 0.3): number {
  const { scratch, n } = numbersOf(values)
  if (n === 0) return Number.NaN
  const sorted = scratch.subarray(0, n).sort()
  const span = Math.min(n - 1, Math.max(1, Math.ceil(fraction * n) - 1))
  let best = 0
  for (let i = 1; i + span < n; i++) {
    if (sorted[i + span] - sorted[i] < sorted[best + span] - sorted[best]) best = i
  }
  return sorted[best] / 2 + sorted[best + span] / 2
}
