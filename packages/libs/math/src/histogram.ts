import { allocate, inStrips, kernels, type Lent, scoped } from '@nightpipe/kernels'

export interface Histogram {
  low: number
  high: number
  /** Counts of bins of equal width, from `low` to `high`; a value equal to `high` is outside. */
  counts: Uint32Array
  below: number
  above: number
  bad: number
}

/** How many values fall where: `bins` bins of equal width from `low` to `high`. NaN counts as bad. */
export function histogram(values: Float32Array, low: number, high: number, bins: number): Histogram {
  if (!(high > low && Number.isInteger(bins) && bins > 0)) {
    throw new RangeError(`no histogram of ${bins} bins from ${low} to ${high}`)
  }
  return scoped(() => {
    const counts = allocate(Uint32Array, bins + 3).fill(0)
    const lent: Lent = { array: values, use: 'read' }
    inStrips([lent], values.length, (_, count) => {
      kernels().histogram(lent.address ?? 0, count, low, high, bins, counts.byteOffset)
    })
    const [below, above, bad] = counts.subarray(bins)
    return { low, high, counts: counts.slice(0, bins), below, above, bad }
  })
}
