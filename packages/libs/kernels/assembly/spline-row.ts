// A row of an image of a spline through meshes: linear in the values and the curvatures of the two meshes about a pixel.

/**
 * `weights`: four lines of `stride` float64, those of a pixel with the left and the right value, and with their
 * curvatures. Pixels first[i] to first[i + 1] lie between meshes i and i + 1 (of `pairs`; where there is one mesh, between
 * it and itself). Fills `width` floats.
 */
export function splineRow(
  values: usize, curvatures: usize, next: i32, first: usize, pairs: i32, weights: usize, stride: i32, out: usize,
): void {
  const line = (<usize>stride) << 3
  const after = (<usize>next) << 3
  for (let i = 0; i < pairs; i++) {
    const at = (<usize>i) << 3
    const a = load<f64>(values + at)
    const b = load<f64>(values + at + after)
    const c = load<f64>(curvatures + at)
    const d = load<f64>(curvatures + at + after)
    let x = load<i32>(first + ((<usize>i) << 2))
    const end = load<i32>(first + ((<usize>i) << 2), 4)
    for (; x + 2 <= end; x += 2) {
      const w = weights + ((<usize>x) << 3)
      let sum = f64x2.add(
        f64x2.mul(v128.load(w), f64x2.splat(a)), f64x2.mul(v128.load(w + line), f64x2.splat(b)),
      )
      sum = f64x2.add(sum, f64x2.mul(v128.load(w + 2 * line), f64x2.splat(c)))
      sum = f64x2.add(sum, f64x2.mul(v128.load(w + 3 * line), f64x2.splat(d)))
      v128.store64_lane(out + ((<usize>x) << 2), f32x4.demote_f64x2_zero(sum), 0)
    }
    if (x < end) {
      const w = weights + ((<usize>x) << 3)
      store<f32>(
        out + ((<usize>x) << 2),
        <f32>(load<f64>(w) * a + load<f64>(w + line) * b + load<f64>(w + 2 * line) * c + load<f64>(w + 3 * line) * d),
      )
    }
  }
}
