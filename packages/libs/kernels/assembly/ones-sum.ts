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
      const swapped = i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))
      even = i32x4.add(even, v128.and(swapped, i32x4.splat(0xffff)))
      odd = i32x4.add(odd, i32x4.shr_u(swapped, 16))
    }
    total += lanes(even) << 16
    total += lanes(odd)
  }
  for (; i < n; i++) total += (<u64>load<u8>(source + <usize>i)) << (<u64>(8 * (3 - (i & 3))))
  return folded(total)
}

/** What does not fit in 32 bits is added at the other end. */
function folded(total: u64): i32 {
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

/**
 * 32-bit integers or floats to the big-endian ones of a FITS data unit, to another place, and the ones' complement sum of
 * these in one go: as `swap32` and `onesSum`.
 */
export function swap32Sum(source: usize, target: usize, n: i32): i32 {
  let total: u64 = 0
  let i = 0
  while (i + 4 <= n) {
    let high = i32x4.splat(0)
    let low = high
    const stop = min(n - 3, i + (4 << 15))
    for (; i < stop; i += 4) {
      const at = (<usize>i) << 2
      const v = v128.load(source + at)
      v128.store(target + at, i8x16.swizzle(v, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)))
      high = i32x4.add(high, i32x4.shr_u(v, 16))
      low = i32x4.add(low, v128.and(v, i32x4.splat(0xffff)))
    }
    total += lanes(high) << 16
    total += lanes(low)
  }
  for (; i < n; i++) {
    const v = load<u32>(source + ((<usize>i) << 2))
    store<u32>(target + ((<usize>i) << 2), bswap<u32>(v))
    total += v
  }
  return folded(total)
}

/** The same for 16-bit integers: as `swap16` and `onesSum`. */
export function swap16Sum(source: usize, target: usize, n: i32): i32 {
  let total: u64 = 0
  let i = 0
  while (i + 8 <= n) {
    let high = i32x4.splat(0)
    let low = high
    const stop = min(n - 7, i + (8 << 15))
    for (; i < stop; i += 8) {
      const at = (<usize>i) << 1
      const v = v128.load(source + at)
      v128.store(target + at, i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)))
      // of two integers the first is the upper half of a word of the file
      high = i32x4.add(high, v128.and(v, i32x4.splat(0xffff)))
      low = i32x4.add(low, i32x4.shr_u(v, 16))
    }
    total += lanes(high) << 16
    total += lanes(low)
  }
  for (; i < n; i++) {
    const v = load<u16>(source + ((<usize>i) << 1))
    store<u16>(target + ((<usize>i) << 1), bswap<u16>(v))
    total += i & 1 ? <u64>v : (<u64>v) << 16
  }
  return folded(total)
}
