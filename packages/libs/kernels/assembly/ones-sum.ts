/**
 * The ones' complement sum of big-endian 32-bit words that FITS checksums are made of, over `n` bytes; what is missing
 * in the last word counts as zero. The result is the unsigned 32-bit sum, as i32.
 */
export function onesSum(source: usize, n: i32): i32 {
  let total: u64 = 0
  let i = 0
  // Halves of words in 32-bit lanes: 2^15 vectors can be added before a lane could overflow.
  while (i + 16 <= n) {
    let even = i32x4.splat(0)
    let odd = i32x4.splat(0)
    const stop = min(n - 15, i + (16 << 15))
    for (; i < stop; i += 16) {
      const v = v128.load(source + <usize>i)
      const swapped = v128.shuffle<u8>(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
      even = i32x4.add(even, v128.and(swapped, i32x4.splat(0xffff)))
      odd = i32x4.add(odd, i32x4.shr_u(swapped, 16))
    }
    total += lanes(even) << 16
    total += lanes(odd)
  }
  for (; i < n; i++) total += (<u64>load<u8>(source + <usize>i)) << (<u64>(8 * (3 - (i & 3))))
  while (total >> 32) total = (total & 0xffffffff) + (total >> 32)
  return <i32>total
}

function lanes(v: v128): u64 {
  return (
    <u64>(<u32>i32x4.extract_lane(v, 0)) +
    <u64>(<u32>i32x4.extract_lane(v, 1)) +
    <u64>(<u32>i32x4.extract_lane(v, 2)) +
    <u64>(<u32>i32x4.extract_lane(v, 3))
  )
}
