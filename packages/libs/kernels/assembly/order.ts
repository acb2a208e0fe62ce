// Integers of the machine to the big-endian integers of a FITS data unit, of the same size or a smaller one. Values
// that the smaller size cannot hold become its nearest: only a damaged file has them.

/** 16-bit integers, in place or to another place; serves in both directions. */
export function swap16(source: usize, target: usize, n: i32): void {
  let i = 0
  for (; i + 8 <= n; i += 8) {
    const v = v128.load(source + ((<usize>i) << 1))
    v128.store(
      target + ((<usize>i) << 1),
      i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)),
    )
  }
  for (; i < n; i++) store<u16>(target + ((<usize>i) << 1), bswap<u16>(load<u16>(source + ((<usize>i) << 1))))
}

/** 32-bit integers or floats, in place or to another place; serves in both directions. */
export function swap32(source: usize, target: usize, n: i32): void {
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(source + ((<usize>i) << 2))
    v128.store(
      target + ((<usize>i) << 2),
      i8x16.swizzle(v, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)),
    )
  }
  for (; i < n; i++) store<u32>(target + ((<usize>i) << 2), bswap<u32>(load<u32>(source + ((<usize>i) << 2))))
}

/** 64-bit integers or floats, in place or to another place; serves in both directions. */
export function swap64(source: usize, target: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<u64>(target + ((<usize>i) << 3), bswap<u64>(load<u64>(source + ((<usize>i) << 3))))
  }
}

/** 32-bit integers to big-endian 16-bit ones. */
export function bigEndian16From32(source: usize, target: usize, n: i32): void {
  let i = 0
  for (; i + 8 <= n; i += 8) {
    const at = source + ((<usize>i) << 2)
    const v = i16x8.narrow_i32x4_s(v128.load(at), v128.load(at, 16))
    v128.store(
      target + ((<usize>i) << 1),
      i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)),
    )
  }
  for (; i < n; i++) {
    const value = max<i32>(-32768, min<i32>(32767, load<i32>(source + ((<usize>i) << 2))))
    store<u16>(target + ((<usize>i) << 1), bswap<u16>(<u16>value))
  }
}

/** 32-bit integers to unsigned bytes. */
export function bytesFrom32(source: usize, target: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<u8>(target + <usize>i, <u8>max<i32>(0, min<i32>(255, load<i32>(source + ((<usize>i) << 2)))))
  }
}
