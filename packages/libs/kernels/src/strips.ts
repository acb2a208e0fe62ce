import { allocate, inKernelMemory, scoped, type Typed } from './memory.js'

/** An array that a kernel works on, with the address of the part that it works on now. */
export interface Lent {
  array: Typed
  /** What the kernel does with it; `both` is the default. */
  use?: 'read' | 'write' | 'both'
  /** Elements of `array` for one step of the loop: 2 for bytes that are 16-bit pixels. */
  each?: number
  /** Set by `inStrips`. */
  address?: number
}

/** Elements at a time when arrays must be copied: a few planes of this length fit in a processor's second cache. */
const STRIP = 16384

/**
 * Runs `work` over elements 0 … n of arrays that may lie in kernel memory or not. Those that do are used in place. When
 * one does not, the loop goes by strips, copied in before and out after. `work` is told the first element and the number
 * of elements; `address` of each array is then where that first element is.
 */
export function inStrips(lent: readonly Lent[], n: number, work: (start: number, count: number) => void): void {
  const copied = lent.filter(({ array }) => !inKernelMemory(array))
  const strip = copied.length > 0 ? Math.min(n, STRIP) : n
  scoped(() => {
    const slots = copied.map(({ array, each = 1 }) => allocate(array.constructor as typeof Uint8Array, strip * each))
    for (let start = 0; start < n; start += strip) {
      const count = Math.min(strip, n - start)
      for (const one of lent) one.address = one.array.byteOffset + start * (one.each ?? 1) * one.array.BYTES_PER_ELEMENT
      copied.forEach((one, i) => {
        const { array, use, each = 1 } = one
        one.address = slots[i].byteOffset
        if (use !== 'write') slots[i].set(array.subarray(start * each, (start + count) * each))
      })
      work(start, count)
      copied.forEach(({ array, use, each = 1 }, i) => {
        if (use !== 'read') array.set(slots[i].subarray(0, count * each), start * each)
      })
    }
  })
}
