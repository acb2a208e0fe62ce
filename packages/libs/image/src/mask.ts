import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import type { MaskBit } from './frame.js'

type BitName = keyof typeof MaskBit
const NAMES: readonly BitName[] = ['bad', 'saturated', 'cosmicRay', 'noData', 'interpolated', 'lowResponse']

/** How many pixels of a mask have each bit. */
export function countMask(mask: Int16Array): Record<BitName, number> {
  return scoped(() => {
    const counts = allocate(Int32Array, 6)
    kernels().countBits(lent(mask).byteOffset, mask.length, counts.byteOffset)
    return Object.fromEntries(NAMES.map((name, k) => [name, counts[k]])) as Record<BitName, number>
  })
}

/** The positions of pixels with any of `bits`, ascending. */
export function maskPositions(mask: Int16Array, bits: number): Int32Array {
  return scoped(() => {
    const address = lent(mask).byteOffset
    return positions(mask.length, (target, room) => kernels().positionsOf(address, mask.length, bits, target, room))
  })
}

/** The positions of pixels with a value from `floor` on, ascending. */
export function positionsFrom(pixels: Float32Array, floor: number): Int32Array {
  return scoped(() => {
    const address = lent(pixels).byteOffset
    return positions(pixels.length, (target, room) =>
      kernels().positionsFrom(address, pixels.length, floor, target, room),
    )
  })
}

/** What a kernel finds among `n` pixels: a second time, where there were more than there was room for. */
function positions(n: number, kernel: (target: number, room: number) => number): Int32Array {
  const find = (room: number) => {
    const found = allocate(Int32Array, room)
    return { found, count: kernel(found.byteOffset, room) }
  }
  const first = find(Math.ceil(n / 64))
  const { found, count } = first.count > first.found.length ? find(first.count) : first
  return found.slice(0, count)
}
