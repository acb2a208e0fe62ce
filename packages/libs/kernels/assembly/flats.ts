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
  for (let p = 0; p < n; p++) {
    const at = (<usize>p) << 2
    const whole = <f64>load<f32>(raw + at)
    const value = whole - under
    store<f32>(pixels + at, <f32>value)
    store<f32>(error + at, <f32>Math.sqrt((value < 0 ? 0 : value) / gain + readVariance))
    const bits = whole >= saturation ? SATURATED : value != value ? NO_DATA : 0
    store<i16>(mask + ((<usize>p) << 1), bits)
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
  for (let p = 0; p < n; p++) {
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
    rejected += good - kept
    store<f32>(out + ((<usize>p) << 2), good > 0 ? <f32>(sum / <f64>kept) : 0)
  }
  return rejected
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
