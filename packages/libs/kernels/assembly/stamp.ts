// A square cut-out about a source. Neighbours' pixels and bad ones take the value of what stands opposite to them.

/** Noise makes pixels darker than the sky, and their variance lower, as it makes others brighter; but not below this part. */
const LEAST: f64 = 0.25

/** What a pixel of a stamp was before it was replaced. */
const OUTSIDE: u8 = 1
const MASKED: u8 = 2
const FOREIGN: u8 = 3

/** An image with its noise, and which source each pixel belongs to, as runs row by row; addresses, 0 where there is none. */
@unmanaged
export class Scene {
  net: usize
  error: usize
  width: i32
  height: i32
  /** Variance that a unit of flux brings along, where there is no error plane. */
  perUnit: f64
  /** The first run of each row (int32, one more than rows), and their bounds and sources. */
  row: usize
  from: usize
  to: usize
  number: usize
}

/** `size` x `size` float64 values and variances, and a byte for what is strange. The first is pixel (x0, y0). */
@unmanaged
export class Stamp {
  value: usize
  variance: usize
  strange: usize
  x0: i32
  y0: i32
  size: i32
  strangers: i32
  /** Variance of a pixel of the sky. */
  sky: f64
}

/** Cuts out the pixels within `half` of the pixel nearest to (x, y). */
export function cutStamp(stamp: Stamp, scene: Scene, own: i32, x: f64, y: f64, half: i32, sky: f64, mirror: bool): void {
  const size = 2 * half + 1
  stamp.size = size
  stamp.x0 = <i32>Math.round(x) - half
  stamp.y0 = <i32>Math.round(y) - half
  stamp.strangers = 0
  stamp.sky = sky
  const left = min<i32>(size, max<i32>(0, -stamp.x0))
  const right = max<i32>(left, min<i32>(size, scene.width - stamp.x0))
  for (let v = 0; v < size; v++) {
    const y = stamp.y0 + v
    if (y < 0 || y >= scene.height) {
      outside(stamp, v * size, size)
      continue
    }
    outside(stamp, v * size, left)
    outside(stamp, v * size + right, size - right)
    cutRow(stamp, scene, v * size + left, right - left, y * scene.width + stamp.x0 + left)
    if (scene.row && mirror) markForeign(stamp, scene, own, v, y, left, right)
  }
  if (stamp.strangers > 0) mirrorStrangers(stamp)
}

function outside(stamp: Stamp, k: i32, n: i32): void {
  memory.fill(stamp.value + ((<usize>k) << 3), 0, (<usize>n) << 3)
  memory.fill(stamp.variance + ((<usize>k) << 3), 0, (<usize>n) << 3)
  memory.fill(stamp.strange + <usize>k, OUTSIDE, <usize>n)
}

function cutRow(stamp: Stamp, scene: Scene, k0: i32, n: i32, p0: i32): void {
  let k = k0
  let p = (<usize>p0) << 2
  const fours = p + ((<usize>(n & ~3)) << 2)
  for (; p < fours; k += 4, p += 16) {
    const flux = v128.load(scene.net + p)
    if (i32x4.all_true(f32x4.eq(flux, flux))) cutFour(stamp, scene, k, p, flux)
    else for (let i = 0; i < 4; i++) cutOne(stamp, scene, k + i, p + ((<usize>i) << 2))
  }
  for (const end = k0 + n; k < end; k++, p += 4) cutOne(stamp, scene, k, p)
}

/** Pixels k to k + 3 of the stamp, all of them known. */
function cutFour(stamp: Stamp, scene: Scene, k: i32, p: usize, flux: v128): void {
  store<u32>(stamp.strange + <usize>k, 0)
  const value = stamp.value + ((<usize>k) << 3)
  const variance = stamp.variance + ((<usize>k) << 3)
  const low = f64x2.promote_low_f32x4(flux)
  const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(flux, flux, 2, 3, 2, 3))
  v128.store(value, low)
  v128.store(value, high, 16)
  if (scene.error) {
    const sigma = v128.load(scene.error + p)
    const a = f64x2.promote_low_f32x4(sigma)
    const b = f64x2.promote_low_f32x4(v128.shuffle<i32>(sigma, sigma, 2, 3, 2, 3))
    v128.store(variance, f64x2.mul(a, a))
    v128.store(variance, f64x2.mul(b, b), 16)
    return
  }
  const sky = f64x2.splat(stamp.sky)
  const least = f64x2.splat(LEAST * stamp.sky)
  const perUnit = f64x2.splat(scene.perUnit)
  v128.store(variance, f64x2.max(least, f64x2.add(sky, f64x2.mul(low, perUnit))))
  v128.store(variance, f64x2.max(least, f64x2.add(sky, f64x2.mul(high, perUnit))), 16)
}

function cutOne(stamp: Stamp, scene: Scene, k: i32, p: usize): void {
  const flux = <f64>load<f32>(scene.net + p)
  const strange = stamp.strange + <usize>k
  if (flux != flux) {
    store<u8>(strange, MASKED)
    stamp.strangers++
    return
  }
  store<u8>(strange, 0)
  store<f64>(stamp.value + ((<usize>k) << 3), flux)
  const variance = stamp.variance + ((<usize>k) << 3)
  if (scene.error) {
    const sigma = <f64>load<f32>(scene.error + p)
    store<f64>(variance, sigma * sigma)
  } else store<f64>(variance, max<f64>(LEAST * stamp.sky, stamp.sky + flux * scene.perUnit))
}

function markForeign(stamp: Stamp, scene: Scene, own: i32, v: i32, y: i32, left: i32, right: i32): void {
  const start = y * scene.width + stamp.x0
  let low = load<i32>(scene.row + ((<usize>y) << 2))
  const end = load<i32>(scene.row + ((<usize>y) << 2), 4)
  let high = end
  while (low < high) {
    const middle = (low + high) >> 1
    if (load<i32>(scene.to + ((<usize>middle) << 2)) <= start + left) low = middle + 1
    else high = middle
  }
  for (let r = (<usize>low) << 2; r < (<usize>end) << 2; r += 4) {
    const from = load<i32>(scene.from + r) - start
    if (from >= right) return
    if (load<i32>(scene.number + r) == own) continue
    const first = max<i32>(from, left)
    const n = min<i32>(load<i32>(scene.to + r) - start, right) - first
    memory.fill(stamp.strange + <usize>(v * stamp.size + first), FOREIGN, <usize>n)
    stamp.strangers += n
  }
}

function mirrorStrangers(stamp: Stamp): void {
  const last = stamp.size * stamp.size - 1
  for (let k = 0; k <= last; k++) {
    if (load<u8>(stamp.strange + <usize>k) < MASKED) continue
    const opposite = <usize>(last - k)
    const known = load<u8>(stamp.strange + opposite) == 0
    const at = (<usize>k) << 3
    store<f64>(stamp.value + at, known ? load<f64>(stamp.value + (opposite << 3)) : 0)
    // a pixel that counts twice brings four times its variance, one of them as itself
    store<f64>(stamp.variance + at, known ? 3 * load<f64>(stamp.variance + (opposite << 3)) : stamp.sky)
  }
}
