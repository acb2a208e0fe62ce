// Stored pixels of a FITS image to physical float32: zero + scale * stored, computed in float64 and rounded once.
// Sources are big-endian. `hasBlank` 1: an integer equal to `blank` has no value, and becomes NaN.

// @ts-ignore: decorator
@inline
function scaled(lowHigh: v128, scale: v128, zero: v128): v128 {
  return f64x2.add(f64x2.mul(lowHigh, scale), zero)
}

/** Four 32-bit integers to float32 through float64. */
// @ts-ignore: decorator
@inline
function fourScaled(v: v128, scale: v128, zero: v128): v128 {
  const low = scaled(f64x2.convert_low_i32x4_s(v), scale, zero)
  const high = scaled(f64x2.convert_low_i32x4_s(v128.shuffle<u64>(v, v, 1, 0)), scale, zero)
  return v128.shuffle<u64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
}

/** One of: exact in float32 arithmetic (whole numbers that float32 holds), or through float64. */
// @ts-ignore: decorator
@inline
function finish(v: v128, exact: bool, scale: v128, zero: v128, zero32: v128, hasBlank: i32, blank: v128): v128 {
  const value = exact ? f32x4.add(f32x4.convert_i32x4_s(v), zero32) : fourScaled(v, scale, zero)
  return hasBlank ? v128.bitselect(f32x4.splat(NaN), value, i32x4.eq(v, blank)) : value
}

// @ts-ignore: decorator
@inline
function one(stored: i32, scale: f64, zero: f64, hasBlank: i32, blank: i32): f32 {
  return hasBlank && stored == blank ? <f32>NaN : <f32>(<f64>stored * scale + zero)
}

/** True when 16-bit integers plus `zero` are whole numbers that float32 holds. */
// @ts-ignore: decorator
@inline
function isExact(scale: f64, zero: f64): bool {
  return scale == 1 && Math.trunc(zero) == zero && Math.abs(zero) <= 4194304
}

export function floatsFrom8(
  source: usize, target: usize, n: i32, scale: f64, zero: f64, hasBlank: i32, blank: i32,
): void {
  const exact = isExact(scale, zero)
  const scales = f64x2.splat(scale)
  const zeros = f64x2.splat(zero)
  const zeros32 = f32x4.splat(<f32>zero)
  const blanks = i32x4.splat(blank)
  let i = 0
  for (; i + 8 <= n; i += 8) {
    const wide = v128.load_ext<u8>(source + <usize>i)
    const to = target + ((<usize>i) << 2)
    const low = i32x4.extend_low_i16x8_u(wide)
    const high = i32x4.extend_high_i16x8_u(wide)
    v128.store(to, finish(low, exact, scales, zeros, zeros32, hasBlank, blanks))
    v128.store(to, finish(high, exact, scales, zeros, zeros32, hasBlank, blanks), 16)
  }
  for (; i < n; i++) {
    store<f32>(target + ((<usize>i) << 2), one(load<u8>(source + <usize>i), scale, zero, hasBlank, blank))
  }
}

export function floatsFrom16(
  source: usize, target: usize, n: i32, scale: f64, zero: f64, hasBlank: i32, blank: i32,
): void {
  const exact = isExact(scale, zero)
  const scales = f64x2.splat(scale)
  const zeros = f64x2.splat(zero)
  const zeros32 = f32x4.splat(<f32>zero)
  const blanks = i32x4.splat(blank)
  let i = exact && !hasBlank ? wholeFrom16(source, target, n, zeros32) : 0
  for (; i + 8 <= n; i += 8) {
    const v = v128.load(source + ((<usize>i) << 1))
    const swapped = i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))
    const to = target + ((<usize>i) << 2)
    const low = i32x4.extend_low_i16x8_s(swapped)
    const high = i32x4.extend_high_i16x8_s(swapped)
    v128.store(to, finish(low, exact, scales, zeros, zeros32, hasBlank, blanks))
    v128.store(to, finish(high, exact, scales, zeros, zeros32, hasBlank, blanks), 16)
  }
  for (; i < n; i++) {
    const stored = <i32>(<i16>bswap<u16>(load<u16>(source + ((<usize>i) << 1))))
    store<f32>(target + ((<usize>i) << 2), one(stored, scale, zero, hasBlank, blank))
  }
}

/** The raw frames of most cameras: whole numbers, all of them values. Returns how many of `n` are done. */
function wholeFrom16(source: usize, target: usize, n: i32, zero: v128): i32 {
  let i = 0
  for (; i + 8 <= n; i += 8) {
    const v = v128.load(source + ((<usize>i) << 1))
    const swapped = i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))
    const to = target + ((<usize>i) << 2)
    v128.store(to, f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(swapped)), zero))
    v128.store(to, f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(swapped)), zero), 16)
  }
  return i
}

export function floatsFrom32(
  source: usize, target: usize, n: i32, scale: f64, zero: f64, hasBlank: i32, blank: i32,
): void {
  const plain = scale == 1 && zero == 0
  const unsigned = scale == 1 && zero == 2147483648
  const scales = f64x2.splat(scale)
  const zeros = f64x2.splat(zero)
  const blanks = i32x4.splat(blank)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const big = v128.load(source + ((<usize>i) << 2))
    const v = i8x16.swizzle(big, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))
    let value = plain
      ? f32x4.convert_i32x4_s(v)
      : unsigned
        ? f32x4.convert_i32x4_u(v128.xor(v, i32x4.splat(0x80000000)))
        : fourScaled(v, scales, zeros)
    if (hasBlank) value = v128.bitselect(f32x4.splat(NaN), value, i32x4.eq(v, blanks))
    v128.store(target + ((<usize>i) << 2), value)
  }
  for (; i < n; i++) {
    const stored = <i32>bswap<u32>(load<u32>(source + ((<usize>i) << 2)))
    store<f32>(target + ((<usize>i) << 2), one(stored, scale, zero, hasBlank, blank))
  }
}

/** Big-endian float32; the bits of NaN stay as they are when there is no scaling. */
export function floatsFromFloats(source: usize, target: usize, n: i32, scale: f64, zero: f64): void {
  const plain = scale == 1 && zero == 0
  const scales = f64x2.splat(scale)
  const zeros = f64x2.splat(zero)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const big = v128.load(source + ((<usize>i) << 2))
    const v = i8x16.swizzle(big, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))
    if (plain) {
      v128.store(target + ((<usize>i) << 2), v)
      continue
    }
    const low = scaled(f64x2.promote_low_f32x4(v), scales, zeros)
    const high = scaled(f64x2.promote_low_f32x4(v128.shuffle<u64>(v, v, 1, 0)), scales, zeros)
    const both = v128.shuffle<u64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
    v128.store(target + ((<usize>i) << 2), both)
  }
  for (; i < n; i++) {
    const bits = bswap<u32>(load<u32>(source + ((<usize>i) << 2)))
    if (plain) store<u32>(target + ((<usize>i) << 2), bits)
    else store<f32>(target + ((<usize>i) << 2), <f32>(<f64>reinterpret<f32>(bits) * scale + zero))
  }
}

/** Big-endian float64, rounded to float32. */
export function floatsFromDoubles(source: usize, target: usize, n: i32, scale: f64, zero: f64): void {
  const plain = scale == 1 && zero == 0
  const scales = f64x2.splat(scale)
  const zeros = f64x2.splat(zero)
  let i = 0
  for (; i + 2 <= n; i += 2) {
    const big = v128.load(source + ((<usize>i) << 3))
    const v = i8x16.swizzle(big, i8x16(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8))
    const value = plain ? v : scaled(v, scales, zeros)
    v128.store64_lane(target + ((<usize>i) << 2), f32x4.demote_f64x2_zero(value), 0)
  }
  for (; i < n; i++) {
    const value = reinterpret<f64>(bswap<u64>(load<u64>(source + ((<usize>i) << 3))))
    store<f32>(target + ((<usize>i) << 2), <f32>(plain ? value : value * scale + zero))
  }
}
