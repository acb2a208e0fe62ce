import { ditherOffset, ditherValues } from './dither'

/** Quantised values that stand for NaN, and for a pixel of exactly 0 in SUBTRACTIVE_DITHER_2. */
const BLANK: i32 = -2147483647
const ZERO: i32 = -2147483646

// @ts-ignore: decorator
@inline function nearest(x: f64): i32 {
  return <i32>(x >= 0 ? x + 0.5 : x - 0.5)
}

/**
 * Floats of one tile as integers: (x - zero) / step + r - 1/2 to the nearest, where r is the dither. `dither`: 0 none
 * (r = 1/2), 1 or 2 the methods of that number, beginning at `start`, 0 to 9999. NaN becomes -2147483647.
 */
// @ts-ignore: decorator
@inline function quantise<T>(source: usize, target: usize, n: i32, step: f64, zero: f64, dither: i32, start: i32): void {
  const table = ditherValues()
  let seed = start
  let at = dither ? ditherOffset(table, seed) : 0
  let i = 0
  while (i < n) {
    const stop = i + (dither ? min<i32>(n - i, 10000 - at) : n - i)
    // Pixel i takes the random number at randoms + 4 i.
    const randoms = table + ((<usize>at) << 2) - ((<usize>i) << 2)
    if (sizeof<T>() == 4) {
      const whole = i + ((stop - i) & ~3)
      fours(source, target, i, whole, step, zero, dither, randoms)
      i = whole
    }
    for (; i < stop; i++) {
      const x = load<T>(source + (<usize>i) * sizeof<T>())
      let q: i32
      if (x != x) q = BLANK
      else if (dither == 2 && x == 0) q = ZERO
      else {
        const scaled = (<f64>x - zero) / step
        q = nearest(dither ? scaled + <f64>load<f32>(randoms + ((<usize>i) << 2)) - 0.5 : scaled)
      }
      store<i32>(target + ((<usize>i) << 2), q)
    }
    seed = seed + 1 == 10000 ? 0 : seed + 1
    at = dither ? ditherOffset(table, seed) : 0
  }
}

/** Float32 pixels `from` to `to`, four at a time. */
// @ts-ignore: decorator
@inline function fours(
  source: usize, target: usize, from: i32, to: i32, step: f64, zero: f64, dither: i32, randoms: usize,
): void {
  const steps = f64x2.splat(step)
  const zeros = f64x2.splat(zero)
  const halves = f64x2.splat(0.5)
  const twos = i32x4.splat(dither == 2 ? -1 : 0)
  for (let i = from; i < to; i += 4) {
    const x = v128.load(source + ((<usize>i) << 2))
    let low = f64x2.div(f64x2.sub(f64x2.promote_low_f32x4(x), zeros), steps)
    let high = f64x2.div(f64x2.sub(f64x2.promote_low_f32x4(v128.shuffle<u32>(x, x, 2, 3, 2, 3)), zeros), steps)
    if (dither) {
      const r = v128.load(randoms + ((<usize>i) << 2))
      low = f64x2.sub(f64x2.add(low, f64x2.promote_low_f32x4(r)), halves)
      high = f64x2.sub(f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<u32>(r, r, 2, 3, 2, 3))), halves)
    }
    let q = v128.shuffle<u32>(nearestPair(low), nearestPair(high), 0, 1, 4, 5)
    q = v128.bitselect(i32x4.splat(ZERO), q, v128.and(twos, f32x4.eq(x, f32x4.splat(0))))
    q = v128.bitselect(i32x4.splat(BLANK), q, f32x4.ne(x, x))
    v128.store(target + ((<usize>i) << 2), q)
  }
}

/** To the nearest, halves away from zero: half of the number's sign is added, then the fraction dropped. */
// @ts-ignore: decorator
@inline function nearestPair(x: v128): v128 {
  const half = v128.or(v128.and(x, f64x2.splat(-0.0)), f64x2.splat(0.5))
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.add(x, half))
}

export function quantiseFloats(
  source: usize, target: usize, n: i32, step: f64, zero: f64, dither: i32, start: i32,
): void {
  quantise<f32>(source, target, n, step, zero, dither, start)
}
export function quantiseDoubles(
  source: usize, target: usize, n: i32, step: f64, zero: f64, dither: i32, start: i32,
): void {
  quantise<f64>(source, target, n, step, zero, dither, start)
}
