import { ditherOffset, ditherValues } from './dither'

/** Quantised value that stands for a pixel of exactly 0 in SUBTRACTIVE_DITHER_2. */
const ZERO: i32 = -2147483646

/**
 * Quantised integers of one tile back to floats, big-endian, as they lie in a FITS file: (q - r + 1/2) scale + zero,
 * where r is the dither. `dither`: 0 none (r = 1/2), 1 or 2 the methods of that number, beginning at `start`, 0 to 9999.
 * Where `hasBlank`, the value `blank` becomes NaN. In place is allowed for float32.
 */
export function unquantiseFloats(
  source: usize, target: usize, n: i32,
  scale: f64, zero: f64, dither: i32, start: i32, hasBlank: i32, blank: i32,
): void {
  const table = ditherValues()
  let seed = start
  let at = dither ? ditherOffset(table, seed) : 0
  const scales = f64x2.splat(scale)
  const zeros = f64x2.splat(zero)
  const halves = f64x2.splat(0.5)
  const blanks = i32x4.splat(blank)
  const anyBlank = i32x4.splat(hasBlank ? -1 : 0)
  const nans = i32x4.splat(-1) // all bits set, the NaN that CFITSIO writes too
  const zeroCodes = i32x4.splat(ZERO)
  const anyZero = i32x4.splat(dither == 2 ? -1 : 0)
  let i = 0
  while (i < n) {
    const run = dither ? min<i32>(n - i, 10000 - at) : n - i
    const stop = i + run
    for (; i + 4 <= stop; i += 4) {
      const q = v128.load(source + ((<usize>i) << 2))
      let low = f64x2.convert_low_i32x4_s(q)
      let high = f64x2.convert_low_i32x4_s(v128.shuffle<u32>(q, q, 2, 3, 2, 3))
      if (dither) {
        const r = v128.load(table + ((<usize>at) << 2))
        low = f64x2.add(f64x2.sub(low, f64x2.promote_low_f32x4(r)), halves)
        high = f64x2.add(f64x2.sub(high, f64x2.promote_low_f32x4(v128.shuffle<u32>(r, r, 2, 3, 2, 3))), halves)
        at += 4
      }
      const a = f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(low, scales), zeros))
      const b = f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(high, scales), zeros))
      let v = v128.shuffle<u32>(a, b, 0, 1, 4, 5)
      v = v128.andnot(v, v128.and(i32x4.eq(q, zeroCodes), anyZero))
      v = v128.bitselect(nans, v, v128.and(i32x4.eq(q, blanks), anyBlank))
      v128.store(
        target + ((<usize>i) << 2),
        i8x16.swizzle(v, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)),
      )
    }
    for (; i < stop; i++) {
      const q = load<i32>(source + ((<usize>i) << 2))
      const v = <f32>value(q, dither ? table + ((<usize>at) << 2) : 0, scale, zero, dither)
      const bits = hasBlank && q == blank ? <u32>-1 : bswap<u32>(reinterpret<u32>(v))
      store<u32>(target + ((<usize>i) << 2), bits)
      at++
    }
    if (dither && at >= 10000) {
      seed = seed + 1 == 10000 ? 0 : seed + 1
      at = ditherOffset(table, seed)
    }
  }
}

/** The same for float64. */
export function unquantiseDoubles(
  source: usize, target: usize, n: i32,
  scale: f64, zero: f64, dither: i32, start: i32, hasBlank: i32, blank: i32,
): void {
  const table = ditherValues()
  let seed = start
  let at = dither ? ditherOffset(table, seed) : 0
  for (let i = 0; i < n; i++) {
    const q = load<i32>(source + ((<usize>i) << 2))
    const v = value(q, dither ? table + ((<usize>at) << 2) : 0, scale, zero, dither)
    store<u64>(target + ((<usize>i) << 3), hasBlank && q == blank ? <u64>-1 : bswap<u64>(reinterpret<u64>(v)))
    if (dither && ++at == 10000) {
      seed = seed + 1 == 10000 ? 0 : seed + 1
      at = ditherOffset(table, seed)
    }
  }
}

// @ts-ignore: decorator
@inline function value(q: i32, random: usize, scale: f64, zero: f64, dither: i32): f64 {
  if (dither == 2 && q == ZERO) return 0
  if (dither) return (<f64>q - <f64>load<f32>(random) + 0.5) * scale + zero
  return <f64>q * scale + zero
}
