import { allocate, inKernelMemory, kernels, scoped } from '@nightpipe/kernels'
import type { MaskBit } from './frame.js'

type BitName = keyof typeof MaskBit
const NAMES: readonly BitName[] = ['bad', 'saturated', 'cosmicRay', 'noData', 'interpolated', 'lowResponse']

/** How many pixels of a mask have each bit. */
export function countMask(mask: Int16Array): Record<BitName, number> {
  return scoped(() => {
    const counts = allocate(Int32Array, 6)
    kernels().countBits(ours(mask).byteOffset, mask.length, counts.byteOffset)
    return Object.fromEntries(NAMES.map((name, k) => [name, counts[k]])) as Record<BitName, number>
  })
}

/** The positions of pixels with any of `bits`, ascending. */
export function maskPositions(mask: Int16Array, bits: number): Int32Array {
  return scoped(() => {
    const { positionsOf } = kernels()
    const address = ours(mask).byteOffset
    const find = (room: number) => {
      const found = allocate(Int32Array, room)
      return { found, count: positionsOf(address, mask.length, bits, found.byteOffset, room) }
    }
    const first = find(Math.ceil(mask.length / 64))
    const { found, count } = first.count > first.found.length ? find(first.count) : first
    return found.slice(0, count)
  })
}

/** The same mask where kernels can read it. */
function ours(mask: Int16Array): Int16Array {
  if (inKernelMemory(mask)) return mask
  const copy = allocate(Int16Array, mask.length)
  copy.set(mask)
  return copy
}
