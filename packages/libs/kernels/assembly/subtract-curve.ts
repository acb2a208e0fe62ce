// A parabola taken off a row of pixels: what the sky of one frame differs by from that of another.

/** From each of `n` pixels, a + b u + c u², where u is `start` at the first pixel and grows by `step`. */
export function subtractCurve(pixels: usize, n: i32, start: f32, step: f32, a: f32, b: f32, c: f32): void {
  const four = f32x4(0, 1, 2, 3)
  let x = 0
  for (; x + 4 <= n; x += 4) {
    const at = pixels + ((<usize>x) << 2)
    const u = f32x4.add(f32x4.splat(start), f32x4.mul(f32x4.splat(step), f32x4.add(f32x4.splat(<f32>x), four)))
    const slope = f32x4.add(f32x4.splat(b), f32x4.mul(u, f32x4.splat(c)))
    v128.store(at, f32x4.sub(v128.load(at), f32x4.add(f32x4.splat(a), f32x4.mul(u, slope))))
  }
  for (; x < n; x++) {
    const at = pixels + ((<usize>x) << 2)
    const u = start + step * <f32>x
    store<f32>(at, load<f32>(at) - (a + u * (b + u * c)))
  }
}
