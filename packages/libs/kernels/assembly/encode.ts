// float32 pixels to the big-endian integers of a FITS file: (value - zero) / scale, rounded to the nearest, halves
// upwards. NaN becomes `blank` where `hasBlank`. What does not fit is not written as something else: the place of the
// first such pixel is returned, or -1 when there is none.

/** NaN or a whole number. */
// @ts-ignore: decorator
@inline
function stored(at: usize, scale: f64, zero: f64, hasBlank: i32, blank: i32): f64 {
  const value = <f64>load<f32>(at)
  return value != value && hasBlank ? <f64>blank : Math.floor((value - zero) / scale + 0.5)
}

export function bytesFromFloats(
  source: usize, target: usize, n: i32, scale: f64, zero: f64, hasBlank: i32, blank: i32,
): i32 {
  for (let i = 0; i < n; i++) {
    const integer = stored(source + ((<usize>i) << 2), scale, zero, hasBlank, blank)
    if (!(integer >= 0 && integer <= 255)) return i
    store<u8>(target + <usize>i, <u8>integer)
  }
  return -1
}

export function shortsFromFloats(
  source: usize, target: usize, n: i32, scale: f64, zero: f64, hasBlank: i32, blank: i32,
): i32 {
  // whole numbers of BZERO: float32 arithmetic is exact for all that fits
  const exact = scale == 1 && Math.trunc(zero) == zero && Math.abs(zero) <= 4194304
  const zeros = f32x4.splat(<f32>zero)
  for (let i = 0; i < n; i += 8) {
    const at = source + ((<usize>i) << 2)
    const to = target + ((<usize>i) << 1)
    if (exact && i + 8 <= n) {
      const a = f32x4.sub(rounded(v128.load(at)), zeros)
      const b = f32x4.sub(rounded(v128.load(at, 16)), zeros)
      if (i32x4.all_true(v128.and(isShort(a), isShort(b)))) {
        const v = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(a), i32x4.trunc_sat_f32x4_s(b))
        v128.store(to, i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)))
        continue
      }
    }
    for (let k = 0; k < min<i32>(8, n - i); k++) {
      const integer = stored(at + ((<usize>k) << 2), scale, zero, hasBlank, blank)
      if (!(integer >= -32768 && integer <= 32767)) return i + k
      store<u16>(to + ((<usize>k) << 1), bswap<u16>(<u16><i32>integer))
    }
  }
  return -1
}

/** To the nearest, halves upwards: `nearest` takes every other half down. */
// @ts-ignore: decorator
@inline
function rounded(v: v128): v128 {
  const near = f32x4.nearest(v)
  const half = f32x4.eq(f32x4.sub(v, near), f32x4.splat(0.5))
  return f32x4.add(near, v128.and(half, f32x4.splat(1)))
}

// @ts-ignore: decorator
@inline
function isShort(v: v128): v128 {
  return v128.and(f32x4.ge(v, f32x4.splat(-32768)), f32x4.le(v, f32x4.splat(32767)))
}

export function longsFromFloats(
  source: usize, target: usize, n: i32, scale: f64, zero: f64, hasBlank: i32, blank: i32,
): i32 {
  for (let i = 0; i < n; i++) {
    const integer = stored(source + ((<usize>i) << 2), scale, zero, hasBlank, blank)
    if (!(integer >= -2147483648 && integer <= 2147483647)) return i
    store<u32>(target + ((<usize>i) << 2), bswap<u32>(<u32><i32>integer))
  }
  return -1
}
