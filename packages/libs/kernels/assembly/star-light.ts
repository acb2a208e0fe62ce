// The sky about a star, and its light in circles.
import { medianOfDoubles } from './sky'

/**
 * The median of every `step`-th pixel of every `step`-th row that lies between `inner` and `outer` px from pixel (px, py),
 * without those beyond the image or not finite; NaN of fewer than `least`. `values` has room for `capacity` float64.
 */
export function ringMedian(
  pixels: usize, width: i32, height: i32, px: i32, py: i32, inner: f64, outer: f64, step: i32, least: i32,
  values: usize, capacity: i32,
): f64 {
  const reach = <i32>Math.ceil(outer)
  let n = 0
  for (let v = -reach; <f64>v <= outer; v += step) {
    const y = py + v
    if (y < 0 || y >= height) continue
    for (let u = -reach; <f64>u <= outer; u += step) {
      const r2 = <f64>(u * u + v * v)
      const x = px + u
      if (r2 < inner * inner || r2 > outer * outer || x < 0 || x >= width) continue
      const value = <f64>load<f32>(pixels + ((<usize>(y * width + x)) << 2))
      if (value - value != 0 || n >= capacity) continue
      store<f64>(values + ((<usize>n) << 3), value)
      n++
    }
  }
  return n < least ? NaN : medianOfDoubles(values, n)
}

/** To the last bit as Math.hypot has it: the larger one taken out. */
// @ts-ignore: decorator
@inline
function hypot(x: f64, y: f64): f64 {
  const a = abs<f64>(x)
  const b = abs<f64>(y)
  const large = max<f64>(a, b)
  if (large == 0) return 0
  // nothing is lost when the first square is added to nothing
  return sqrt<f64>((a / large) * (a / large) + (b / large) * (b / large)) * large
}

/**
 * The light above `level`, and its variance, in `n` circles about (x, y), whose float64 radii grow; a pixel on an edge counts
 * by the part of its diameter that lies within. A pixel has the variance `noise` of the sky and of its own light over `gain`.
 * Both go to `sums`, first the light of all. False where a pixel of the widest circle is not finite.
 */
export function circleLight(
  pixels: usize, width: i32, height: i32, x: f64, y: f64, radii: usize, n: i32, level: f64, noise: f64, gain: f64,
  sums: usize,
): bool {
  const widest = load<f64>(radii + ((<usize>(n - 1)) << 3))
  const reach = <i32>Math.ceil(widest + 1)
  const spreads = sums + ((<usize>n) << 3)
  memory.fill(sums, 0, (<usize>n) << 4)
  const left = max<i32>(0, <i32>Math.floor(x) - reach)
  const right = min<i32>(width - 1, <i32>Math.floor(x) + reach)
  const top = min<i32>(height - 1, <i32>Math.floor(y) + reach)
  for (let v = max<i32>(0, <i32>Math.floor(y) - reach); v <= top; v++) {
    for (let u = left; u <= right; u++) {
      const distance = hypot(<f64>u - x, <f64>v - y)
      if (distance >= widest + 0.5) continue
      const value = <f64>load<f32>(pixels + ((<usize>(v * width + u)) << 2)) - level
      if (value - value != 0) return false
      const spread = noise + max<f64>(0, value) / gain
      for (let j = n - 1; j >= 0; j--) {
        const radius = load<f64>(radii + ((<usize>j) << 3))
        if (distance >= radius + 0.5) break
        const part = min<f64>(1, radius + 0.5 - distance)
        const at = (<usize>j) << 3
        store<f64>(sums + at, load<f64>(sums + at) + part * value)
        store<f64>(spreads + at, load<f64>(spreads + at) + part * spread)
      }
    }
  }
  return true
}
