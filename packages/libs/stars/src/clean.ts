import { allocate, allocateBytes, kernels, scoped } from '@nightpipe/kernels'
import { SOURCE, type Sources, sourceAt } from './sources.js'

/** Wings are kept by cells of so many pixels, and are so many numbers, see assembly/clean.ts. */
const CELL = 32
const NUMBERS = 7

/**
 * The sources that would have been found without their brighter neighbours. The others have fewer than the least
 * number of pixels left above their isophote when the wings of a neighbour, a Moffat profile of this exponent, are taken
 * off: they go. (Bertin & Arnouts 1996.)
 */
export function cleanSources(sources: Sources, exponent: number): number[] {
  const { count, records } = sources
  const all = Array.from({ length: count }, (_, i) => i)
  if (!(exponent > 0)) return all
  return scoped(() => {
    const cells = [SOURCE.x, SOURCE.y].map((field) => {
      let size = 0
      for (let i = 0; i < count; i++) {
        const place = sourceAt(sources, i, field)
        // a place that is no number, of infinite light, is in no cell
        if (Number.isFinite(place) && place > size) size = place
      }
      return Math.floor(size / CELL) + 1
    }) as [number, number]
    const room = kernels().wingRoom(records.byteOffset, count, ...cells)
    const removed = allocate(Uint8Array, count)
    kernels().cleanSources(
      ...([records.byteOffset, count, exponent, ...cells] as const),
      ...([allocateBytes(8 * NUMBERS * count), allocateBytes(4 * cells[0] * cells[1])] as const),
      ...([allocateBytes(8 * room), allocateBytes(8 * count), removed.byteOffset] as const),
    )
    return all.filter((i) => removed[i] === 0)
  })
}
