import { allocate } from '@nightpipe/kernels'

/** Bytes of one plane in the blocks of 16 pixels that the kernels sort. */
const ROW_BYTES = 64

/**
 * Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2 M): the comparisons that sort `n` values,
 * whatever they are, two places each. About n log²n / 4 of them.
 */
function mergeExchange(n: number): number[] {
  const places: number[] = []
  const top = 2 ** Math.ceil(Math.log2(n)) / 2
  for (let p = top; p >= 1; p = Math.floor(p / 2)) {
    let q = top
    let r = 0
    let d = p
    for (;;) {
      for (let i = 0; i < n - d; i++) if ((i & p) === r) places.push(i, i + d)
      if (q === p) break
      d = q - p
      q /= 2
      r = p
    }
  }
  return places
}

/** The comparisons that the middle value, or the two middle values, depend on. */
function middleOnly(places: readonly number[], n: number): number[] {
  const needed = new Set([(n - 1) >> 1, n >> 1])
  const kept: number[] = []
  for (let k = places.length - 2; k >= 0; k -= 2) {
    if (!needed.has(places[k]) && !needed.has(places[k + 1])) continue
    needed.add(places[k]).add(places[k + 1])
    kept.push(places[k + 1], places[k])
  }
  return kept.reverse()
}

/** The comparisons that sort `n` planes, and those that find their median, as byte offsets in kernel memory. */
export function sortingPairs(n: number): { all: Uint32Array; middle: Uint32Array } {
  const places = mergeExchange(n)
  const offsets = (list: number[]) => {
    const pairs = allocate(Uint32Array, list.length)
    for (let k = 0; k < list.length; k++) pairs[k] = list[k] * ROW_BYTES
    return pairs
  }
  return { all: offsets(places), middle: offsets(middleOnly(places, n)) }
}
