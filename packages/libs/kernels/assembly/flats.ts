// Raw frames of a spectrograph as they are needed for its traces: net of their level, with errors; and several flats as one.

/** Bits of masks. */
const SATURATED: i16 = 2
const NO_DATA: i16 = 8

/**
 * `n` pixels of a row (float32) net of `under`, with the errors of counting and of reading, of which `readVariance` is the square; from
 * `saturation` on they are saturated, and NaN is no data. Pixels and errors are float32, masks int16.
 */
export function rawRow(
  raw: usize,
  n: i32,
  under: f64,
  gain: f64,
  readVariance: f64,
  saturation: f64,
  pixels: usize,
  error: usize,
  mask: usize,
): void {
  const unders = f64x2.splat(under)
  const gains = f64x2.splat(gain)
  const variances = f64x2.splat(readVariance)
  const full = f64x2.splat(saturation)
  const zero = f64x2.splat(0)
  for (let p = 0; p < n; p += 2) {
    const at = (<usize>p) << 2
    const single = p + 1 == n // the last pixel of an odd row by itself
    const pair = single ? v128.load32_zero(raw + at) : v128.load64_zero(raw + at)
    const whole = f64x2.promote_low_f32x4(pair)
    const value = f64x2.sub(whole, unders)
    const light = v128.bitselect(zero, value, f64x2.lt(value, zero))
    const error1 = f64x2.sqrt(f64x2.add(f64x2.div(light, gains), variances))
    const nets = f32x4.demote_f64x2_zero(value)
    const errors = f32x4.demote_f64x2_zero(error1)
    const bright = f64x2.ge(whole, full)
    const none = v128.andnot(f64x2.ne(value, value), bright)
    const bits = v128.or(
      v128.and(bright, i64x2.splat(<i64>SATURATED)),
      v128.and(none, i64x2.splat(<i64>NO_DATA)),
    )
    const to = mask + ((<usize>p) << 1)
    store<i16>(to, <i16>i64x2.extract_lane(bits, 0))
    if (single) {
      v128.store32_lane(pixels + at, nets, 0)
      v128.store32_lane(error + at, errors, 0)
      continue
    }
    store<i16>(to + 2, <i16>i64x2.extract_lane(bits, 1))
    v128.store64_lane(pixels + at, nets, 0)
    v128.store64_lane(error + at, errors, 0)
  }
}

/**
 * The mean of `n` pixels of `count` frames, whose planes of pixels (float32) and masks (int16) lie at the addresses (uint32) at `planes` and
 * `masks`, each times its scale (float64), without what lies further from their median than `clip` times the noise of two of them (variance
 * `dark` + `perLight` times the level) and `unlike` of the level. `bad` (uint8) becomes 1 where no frame has a good value. Returns how many
 * values were left out. `scratch` holds `count` float64.
 */
export function sumPlanes(
  planes: usize,
  masks: usize,
  scales: usize,
  count: i32,
  n: i32,
  dark: f64,
  perLight: f64,
  clip: f64,
  unlike: f64,
  out: usize,
  bad: usize,
  scratch: usize,
): i32 {
  let rejected = 0
  let p = 0
  for (; p + 2 <= n; p += 2) {
    if (meanOfTwo(planes, masks, scales, count, p, dark, perLight, clip, unlike, out)) {
      store<u16>(bad + p, 0)
      continue
    }
    rejected += meanOfOne(planes, masks, scales, count, p, dark, perLight, clip, unlike, out, bad, scratch)
    rejected += meanOfOne(planes, masks, scales, count, p + 1, dark, perLight, clip, unlike, out, bad, scratch)
  }
  if (p < n) rejected += meanOfOne(planes, masks, scales, count, p, dark, perLight, clip, unlike, out, bad, scratch)
  return rejected
}

/**
 * The means of pixels p and p + 1 where all their values are good, and so near one another that none can be too far from their median:
 * nearly all are, and need not be sorted. False where that is not so.
 */
// @ts-ignore: decorator
@inline
function meanOfTwo(
  planes: usize,
  masks: usize,
  scales: usize,
  count: i32,
  p: i32,
  dark: f64,
  perLight: f64,
  clip: f64,
  unlike: f64,
  out: usize,
): bool {
  let sum = f64x2.splat(0)
  let least = f64x2.splat(Infinity)
  let most = f64x2.splat(-Infinity)
  let masked: u32 = 0
  for (let k = 0; k < count; k++) {
    const word = (<usize>k) << 2
    masked |= load<u32>(<usize>load<u32>(masks + word) + ((<usize>p) << 1))
    const raw = v128.load64_zero(<usize>load<u32>(planes + word) + ((<usize>p) << 2))
    const value = f64x2.mul(f64x2.promote_low_f32x4(raw), v128.load64_splat(scales + ((<usize>k) << 3)))
    sum = f64x2.add(sum, value)
    least = f64x2.min(least, value) // NaN stays
    most = f64x2.max(most, value)
  }
  // the median is no less than the least value, and further values are left out only where it is further still
  const level = f64x2.max(f64x2.splat(0), least)
  const noise = f64x2.sqrt(f64x2.mul(f64x2.splat(2), f64x2.add(f64x2.splat(dark), f64x2.mul(f64x2.splat(perLight), level))))
  const limit = f64x2.add(f64x2.mul(f64x2.splat(clip), noise), f64x2.mul(f64x2.splat(unlike), level))
  const near = f64x2.le(f64x2.sub(most, least), limit) // false for NaN, and where infinities meet
  if (masked != 0 || !i64x2.all_true(near)) return false
  const mean = f64x2.div(sum, f64x2.splat(<f64>count))
  v128.store64_lane(out + ((<usize>p) << 2), f32x4.demote_f64x2_zero(mean), 0)
  return true
}

/** The mean of pixel p; returns how many values were left out. */
function meanOfOne(
  planes: usize,
  masks: usize,
  scales: usize,
  count: i32,
  p: i32,
  dark: f64,
  perLight: f64,
  clip: f64,
  unlike: f64,
  out: usize,
  bad: usize,
  scratch: usize,
): i32 {
  const good = gatherSorted(planes, masks, scales, count, p, scratch)
  store<u8>(bad + p, good == 0 ? 1 : 0)
  const middle = good > 0 ? load<f64>(scratch + ((<usize>((good - 1) >> 1)) << 3)) : 0 // of two, the lower: cosmic rays add light
  const limit = clip * Math.sqrt(2 * (dark + perLight * max(0, middle))) + unlike * Math.abs(middle)
  let sum: f64 = 0
  let kept = 0
  const end = scratch + ((<usize>good) << 3)
  for (let at = scratch; at < end; at += 8) {
    const value = load<f64>(at)
    if (Math.abs(value - middle) > limit) continue
    sum += value
    kept++
  }
  store<f32>(out + ((<usize>p) << 2), good > 0 ? <f32>(sum / <f64>kept) : 0)
  return good - kept
}

/** The good values of pixel p, the smallest first; returns how many. */
// @ts-ignore: decorator
@inline
function gatherSorted(planes: usize, masks: usize, scales: usize, count: i32, p: i32, values: usize): i32 {
  let end = values
  for (let k = 0; k < count; k++) {
    const word = (<usize>k) << 2
    const raw = load<f32>(<usize>load<u32>(planes + word) + ((<usize>p) << 2))
    if (load<i16>(<usize>load<u32>(masks + word) + ((<usize>p) << 1)) != 0 || raw - raw != 0) continue
    const value = <f64>raw * load<f64>(scales + ((<usize>k) << 3))
    let at = end
    end += 8
    for (; at > values && load<f64>(at - 8) > value; at -= 8) store<f64>(at, load<f64>(at - 8))
    store<f64>(at, value)
  }
  return <i32>((end - values) >> 3)
}
