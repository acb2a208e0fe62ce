// What the masks of many frames say of the pixels of their stack.

/**
 * For each of `n` pixels the bits of the stack, from `planes` masks whose addresses are at `masks` (0: a frame without
 * one). Without a sample left (`counts`, int16) there is no data: 8, with `unusable` bits that all had. Saturated
 * (`bit`) is what a frame has so that is not `unusable` there: the light of a star is not whole where some frames are missing. Returns how many pixels are saturated with none left.
 */
export function stackMasks(
  masks: usize, planes: i32, n: i32, counts: usize, bit: i32, unusable: i32, bits: usize,
): i32 {
  let some = false
  for (let k = 0; k < planes; k++) some = some || load<u32>(masks + ((<usize>k) << 2)) != 0
  if (!some) {
    withoutMasks(n, counts, bits)
    return 0
  }
  let lost = 0
  for (let p: usize = 0; p < <usize>n; p++) {
    let found = 0
    let any = 0
    for (let k = 0; k < planes; k++) {
      const mask = <usize>load<u32>(masks + ((<usize>k) << 2))
      if (mask == 0) continue
      const own = <i32>load<i16>(mask + (p << 1))
      if (own & 8) continue
      if ((own & bit) && !(own & unusable)) found = bit
      any |= own & unusable
    }
    if (load<i16>(counts + (p << 1)) == 0) {
      if (found) lost++
      else found = 8 | any
    }
    store<i16>(bits + (p << 1), <i16>found)
  }
  return lost
}

function withoutMasks(n: i32, counts: usize, bits: usize): void {
  const zero = i16x8.splat(0)
  const end = (<usize>n) << 1
  let at: usize = 0
  for (; at + 16 <= end; at += 16) {
    v128.store(bits + at, v128.and(i16x8.eq(v128.load(counts + at), zero), i16x8.splat(8)))
  }
  for (; at < end; at += 2) store<i16>(bits + at, load<i16>(counts + at) == 0 ? 8 : 0)
}

/**
 * Puts the sky back: adds `level` to each of `n` pixels. Adds to three float64 at `totals`: samples that went in (`counts`, int16), pixels
 * that have some, and pixels whose `bits` (int16) have `bit`.
 */
export function tallyStack(
  pixels: usize, counts: usize, bits: usize, n: i32, level: f64, bit: i32, totals: usize,
): void {
  const sky = f64x2.splat(level)
  const zero = i16x8.splat(0)
  const wanted = i16x8.splat(<i16>bit)
  const one = i16x8.splat(1)
  let used = i64x2.splat(0)
  let seen = i64x2.splat(0)
  let full = i64x2.splat(0)
  let p: usize = 0
  for (; p + 8 <= <usize>n; p += 8) {
    for (let at = pixels + (p << 2); at < pixels + ((p + 8) << 2); at += 16) {
      const v = v128.load(at)
      const low = f32x4.demote_f64x2_zero(f64x2.add(f64x2.promote_low_f32x4(v), sky))
      const high = f32x4.demote_f64x2_zero(f64x2.add(f64x2.promote_low_f32x4(v128.shuffle<u64>(v, v, 1, 0)), sky))
      v128.store(at, v128.shuffle<u64>(low, high, 0, 2))
    }
    const count = v128.load(counts + (p << 1))
    used = addTo(used, count)
    seen = addTo(seen, v128.and(i16x8.gt_s(count, zero), one))
    full = addTo(full, v128.and(i16x8.ne(v128.and(v128.load(bits + (p << 1)), wanted), zero), one))
  }
  let ends = sumOf(used)
  let some = sumOf(seen)
  let bright = sumOf(full)
  for (; p < <usize>n; p++) {
    store<f32>(pixels + (p << 2), <f32>(<f64>load<f32>(pixels + (p << 2)) + level))
    const count = <i32>load<i16>(counts + (p << 1))
    ends += count
    if (count > 0) some++
    if (<i32>load<i16>(bits + (p << 1)) & bit) bright++
  }
  store<f64>(totals, load<f64>(totals) + <f64>ends)
  store<f64>(totals, load<f64>(totals, 8) + <f64>some, 8)
  store<f64>(totals, load<f64>(totals, 16) + <f64>bright, 16)
}

// @ts-ignore: decorator
@inline
function addTo(sum: v128, shorts: v128): v128 {
  const pairs = i32x4.extadd_pairwise_i16x8_s(shorts)
  return i64x2.add(sum, i64x2.add(i64x2.extend_low_i32x4_s(pairs), i64x2.extend_high_i32x4_s(pairs)))
}

// @ts-ignore: decorator
@inline
function sumOf(sum: v128): i64 {
  return i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1)
}
