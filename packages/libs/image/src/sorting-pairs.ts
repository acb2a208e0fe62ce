import { allocate } from '@nightpipe/kernels'

/** Bytes of one plane in the blocks of 16 pixels that the kernels sort. */
const ROW_BYTES = 64

/**
 * Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2 M): the comparisons that sort `n` values,
 * whatever they are, two byte offsets each, in kernel memory. About n log²n / 4 of them.
 */
export function sortingPairs(n: number): Uint32Array {
  const offsets: number[] = []
  const top = 2 ** Math.ceil(Math.log2(n)) / 2
  for (let p = top; p >= 1; p = Math.floor(p / 2)) {
    let q = top
    let r = 0
    let d = p
    for (;;) {
      for (let i = 0; i < n - d; i++) if ((i & p) === r) offsets.push(i * ROW_BYTES, (i + d) * ROW_BYTES)
      if (q === p) break
      d = q - p
      q /= 2
      r = p
    }
  }
  const pairs = allocate(Uint32Array, offsets.length)
  pairs.set(offsets)
  return pairs
}
