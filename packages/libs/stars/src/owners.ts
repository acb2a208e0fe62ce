import { allocate, kernels } from '@nightpipe/kernels'
import { copied } from './record.js'
import type { Sources } from './sources.js'

/** Which source each pixel belongs to, as runs of pixels row by row: from pixel `from` up to, not including, `to`. */
export interface Owners {
  /** The first run of each row, and the number of all after the last. */
  row: Int32Array
  from: Int32Array
  to: Int32Array
  number: Int32Array
}

/** The owners of the pixels of numbered sources, in kernel memory. */
export function findOwners({ count, records, pixels }: Sources, width: number, height: number): Owners {
  const row = allocate(Int32Array, height + 1)
  const list = [records.byteOffset, count, pixels.byteOffset, width] as const
  const runs = kernels().countOwners(...list, height, row.byteOffset)
  const [from, to, number] = [1, 2, 3].map(() => allocate(Int32Array, runs))
  kernels().writeOwners(
    ...list,
    row.byteOffset,
    copied(row).byteOffset,
    from.byteOffset,
    to.byteOffset,
    number.byteOffset,
  )
  return { row, from, to, number }
}

/** The number of the source at each pixel as an image; 0 is sky. The owners may have left kernel memory. */
export function segmentationOf({ from, to, number }: Omit<Owners, 'row'>, width: number, height: number): Int32Array {
  const image = new Int32Array(width * height)
  for (let r = 0; r < from.length; r++) image.fill(number[r], from[r], to[r])
  return image
}
