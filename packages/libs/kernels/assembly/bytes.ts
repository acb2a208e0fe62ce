/** Big-endian 32-bit floats to the machine's, in place or to another place. `n` values. */
export function floatsFromBigEndian(source: usize, target: usize, n: i32): void {
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
