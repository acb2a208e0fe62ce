import { allocate } from '@nightpipe/kernels'

/** What is known of a source after detection: where each number stands in its record (`Source` of assembly/isophote.ts). */
export const SOURCE = {
  number: 0,
  x: 1,
  y: 2,
  a: 3,
  b: 4,
  xx: 5,
  yy: 6,
  xy: 7,
  sky: 8,
  half: 9,
  theta: 10,
  flux: 11,
  filteredFlux: 12,
  variance: 13,
  peak: 14,
  filteredPeak: 15,
  peakAt: 16,
  brightestAt: 17,
  x0: 18,
  x1: 19,
  y0: 20,
  y1: 21,
  flags: 22,
  from: 23,
  area: 24,
  bits: 25,
  held: 26,
  limit: 27,
  upper: 28,
} as const
export type SourceField = (typeof SOURCE)[keyof typeof SOURCE]
export const SOURCE_NUMBERS = 29

/** Sources in kernel memory, record after record, and the pixels of all of them. */
export interface Sources {
  count: number
  records: Float64Array
  /** Those of source i are `area` from `from` on, row by row. */
  pixels: Int32Array
}

export const sourceAt = ({ records }: Sources, i: number, field: SourceField): number =>
  records[i * SOURCE_NUMBERS + field]

/** Only these sources, numbered from 1; in kernel memory. */
export function keepSources(sources: Sources, kept: readonly number[]): Sources {
  const records = allocate(Float64Array, SOURCE_NUMBERS * kept.length)
  for (let k = 0, next = 0; k < kept.length; k = next) {
    // those that follow one another are copied at once
    for (next = k + 1; next < kept.length && kept[next] === kept[next - 1] + 1; ) next++
    const first = kept[k] * SOURCE_NUMBERS
    records.set(sources.records.subarray(first, first + (next - k) * SOURCE_NUMBERS), k * SOURCE_NUMBERS)
  }
  for (let k = 0; k < kept.length; k++) records[k * SOURCE_NUMBERS + SOURCE.number] = k + 1
  return { count: kept.length, records, pixels: sources.pixels }
}
