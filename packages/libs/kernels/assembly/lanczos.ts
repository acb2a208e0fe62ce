// The weights of Lanczos interpolation.

// @ts-ignore: decorator
@inline
function sinc(t: f64): f64 {
  return t == 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t)
}

/** The weights of one fraction while they are made. */
const weights: usize = memory.data(64, 16)

/**
 * For each fraction k / phases of a pixel, k from 0 to `phases`, the `taps` (6 or 8) weights, which add up to 1, as a row of
 * eight floats of `table`, and the sum of their squares as a double of `squares`; either may be 0.
 */
export function lanczosTable(taps: i32, phases: i32, table: usize, squares: usize): void {
  const half = taps >> 1
  const middle = <f64>half - 1
  for (let phase = 0; phase <= phases; phase++) {
    const fraction = <f64>phase / <f64>phases
    let sum: f64 = 0
    for (let k = 0; k < taps; k++) {
      const t = <f64>k - middle - fraction
      const weight = abs<f64>(t) < <f64>half ? sinc(t) * sinc(t / <f64>half) : 0
      store<f64>(weights + ((<usize>k) << 3), weight)
      sum += weight
    }
    let square: f64 = 0
    for (let k = 0; k < taps; k++) {
      const weight = load<f64>(weights + ((<usize>k) << 3)) / sum
      square += weight * weight
      if (table) store<f32>(table + (((<usize>phase) << 3) + <usize>k << 2), <f32>weight)
    }
    if (squares) store<f64>(squares + ((<usize>phase) << 3), square)
  }
}
