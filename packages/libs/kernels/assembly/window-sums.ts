// The light of a star under a window: its sum, its balance and moments about a place, and the noise of the balance.

/**
 * Rows `y0` to `y1` and columns `x0` to `x1` of an image, both ends included, above `level`, times the window, a product of
 * the float64 `wx` and `wy`; pixels that are not finite or have any of `bits` in `mask` (0: none) are left out. Into `sums`
 * seven float64: light, light times dx, dy, dx², dy², dx dy from (x, y), and the variance of the balance in dx and dy, a
 * pixel having that of the sky, `noise`, and of its own light over `gain`.
 */
export function windowSums(
  pixels: usize, mask: usize, bits: i32, width: i32, x0: i32, x1: i32, y0: i32, y1: i32, x: f64, y: f64, level: f64,
  noise: f64, gain: f64, wx: usize, wy: usize, sums: usize,
): void {
  let sum: f64 = 0
  let mx: f64 = 0
  let my: f64 = 0
  let xx: f64 = 0
  let yy: f64 = 0
  let xy: f64 = 0
  let variance: f64 = 0
  for (let v = y0; v <= y1; v++) {
    const weight = load<f64>(wy + ((<usize>(v - y0)) << 3))
    const dy = <f64>v - y
    for (let u = x0; u <= x1; u++) {
      const q = <usize>(v * width + u)
      const value = <f64>load<f32>(pixels + (q << 2)) - level
      // the difference of what is not finite to itself is not 0
      if (value - value != 0 || (mask != 0 && (load<i16>(mask + (q << 1)) & bits) != 0)) continue
      const w = load<f64>(wx + ((<usize>(u - x0)) << 3)) * weight
      const dx = <f64>u - x
      const light = w * value
      sum += light
      mx += light * dx
      my += light * dy
      xx += light * dx * dx
      yy += light * dy * dy
      xy += light * dx * dy
      variance += w * w * (noise + max<f64>(0, value) / gain) * (dx * dx + dy * dy)
    }
  }
  store<f64>(sums, sum)
  store<f64>(sums, mx, 8)
  store<f64>(sums, my, 16)
  store<f64>(sums, xx, 24)
  store<f64>(sums, yy, 32)
  store<f64>(sums, xy, 40)
  store<f64>(sums, variance, 48)
}
