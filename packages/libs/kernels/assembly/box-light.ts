// The light of square boxes of an image, in units of what independent pixels make it vary by.

/** Sides of a box, and of the small ones that it is made of. */
const BOX: usize = 16
const SMALL: usize = 4

/**
 * For each of the `n` boxes whose first pixels `corners` names: the sum over the box to `large`, those over its small ones to
 * `small`, float64, each over the root of its variance: the sum of squares of `error`, where there are errors, or that of
 * `sigmas` in each pixel. Boxes with a value that is no number are left out; returns how many are not.
 */
export function boxLights(
  pixels: usize, error: usize, width: i32, corners: usize, sigmas: usize, n: i32, large: usize, small: usize,
): i32 {
  const stride = <usize>width << 2
  let found = 0
  for (let k = 0; k < n; k++) {
    const corner = <usize>load<i32>(corners + ((<usize>k) << 2)) << 2
    const sigma = load<f64>(sigmas + ((<usize>k) << 3))
    const even: f64 = error ? 0 : <f64>(SMALL * SMALL) * (sigma * sigma)
    let to = small + <usize>found * ((BOX / SMALL) * (BOX / SMALL) * 8)
    let sum: f64 = 0
    let variance: f64 = 0
    for (let v: usize = 0; v < BOX; v += SMALL) {
      for (let u: usize = 0; u < BOX; u += SMALL) {
        let light: f64 = 0
        let spread = even
        const first = corner + v * stride + (u << 2)
        for (let row = first; row < first + SMALL * stride; row += stride) {
          for (let p = row; p < row + (SMALL << 2); p += 4) {
            light += <f64>load<f32>(pixels + p)
            if (error) {
              const e = <f64>load<f32>(error + p)
              spread += e * e
            }
          }
        }
        sum += light
        variance += spread
        store<f64>(to, light / sqrt<f64>(spread))
        to += 8
      }
    }
    if (!(abs<f64>(sum) < Infinity) || !(variance > 0 && variance < Infinity)) continue
    store<f64>(large + ((<usize>found) << 3), sum / sqrt<f64>(variance))
    found++
  }
  return found
}
