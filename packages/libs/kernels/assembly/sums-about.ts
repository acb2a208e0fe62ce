/**
 * At each of `count` places (pixels of an image, int32) the sum of the `n` pixels that stand `offsets` (int32) from it,
 * each times its sign (float64), over the noise there (float32), into `out`, float64.
 */
export function sumsAbout(
  image: usize, places: usize, noise: usize, count: i32, offsets: usize, signs: usize, n: i32, out: usize,
): void {
  for (let i = 0; i < count; i++) {
    const at = image + ((<usize>load<i32>(places + ((<usize>i) << 2))) << 2)
    let sum: f64 = 0
    for (let k = 0; k < n; k++) {
      const offset = <isize>load<i32>(offsets + ((<usize>k) << 2))
      sum += load<f64>(signs + ((<usize>k) << 3)) * <f64>load<f32>(at + <usize>(offset << 2))
    }
    store<f64>(out + ((<usize>i) << 3), sum / <f64>load<f32>(noise + ((<usize>i) << 2)))
  }
}
