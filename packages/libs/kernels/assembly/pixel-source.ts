// How pixels come in (floats of the machine, or 16-bit integers as they stand in a FITS file), and how NaN goes out.

/** 32-bit floats of the machine. */
export const FLOATS: i32 = 0
/** Big-endian 16-bit integers. */
export const SHORTS: i32 = 1

/** Four big-endian 16-bit integers at `at` as 32-bit integers. */
// @ts-ignore: decorator
@inline
export function fourShorts(at: usize): v128 {
  const v = v128.load64_zero(at)
  // each into the upper half of a lane, so that the shift brings the sign down
  return i32x4.shr_s(i8x16.swizzle(v, i8x16(15, 15, 1, 0, 15, 15, 3, 2, 15, 15, 5, 4, 15, 15, 7, 6)), 16)
}

/** Eight big-endian 16-bit integers at `at` as those of the machine. */
// @ts-ignore: decorator
@inline
export function eightShorts(at: usize): v128 {
  const v = v128.load(at)
  return i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))
}

/** Four big-endian 32-bit floats at `at` as those of the machine. */
// @ts-ignore: decorator
@inline
export function fourFloats(at: usize): v128 {
  const v = v128.load(at)
  return i8x16.swizzle(v, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))
}

/** Four mask values (int16) at `at` as 32-bit integers. */
// @ts-ignore: decorator
@inline
export function fourMasks(at: usize): v128 {
  return i32x4.extend_low_i16x8_s(v128.load64_zero(at))
}

/** Every NaN made the same: what 0 / 0 is differs between processors, and products are the same bytes everywhere. */
// @ts-ignore: decorator
@inline
export function oneNaN(v: v128): v128 {
  return v128.bitselect(v, f32x4.splat(NaN), f32x4.eq(v, v))
}
