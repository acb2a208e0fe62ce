import { allocate } from '@nightpipe/kernels'

/** Pixels of a tile as the algorithms take and give them, in the machine's order. */
export type TileIntegers = Uint8Array | Int16Array | Int32Array

/** The same as 32-bit integers, in kernel memory. */
export function widened(values: TileIntegers): Int32Array {
  if (values instanceof Int32Array) return values
  const wide = allocate(Int32Array, values.length)
  wide.set(values)
  return wide
}
