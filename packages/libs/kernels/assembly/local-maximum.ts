// The highest value in a box about each pixel.

// @ts-ignore: decorator
@inline
function clampTo(value: i32, count: i32): i32 {
  return max<i32>(0, min<i32>(count - 1, value))
}

/**
 * Rows `first` to `first + n` of `rows`: `factor` times the highest value within `reach` pixels along both axes, 0 where
 * that is below 0; NaN counts for nothing. `scratch` holds a row and 4 floats more.
 */
export function localMaximum(
  pixels: usize, width: i32, rows: i32, first: i32, n: i32, reach: i32, factor: f32, target: usize, scratch: usize,
): void {
  const stride = (<usize>width) << 2
  const zero = f32x4.splat(0)
  for (let y = 0; y < n; y++) {
    for (let at: usize = 0; at < stride; at += 16) v128.store(scratch + at, zero)
    for (let j = -reach; j <= reach; j++) {
      const row = pixels + (<usize>clampTo(first + y + j, rows)) * stride
      let at: usize = 0
      // pmax(a, b) is b only where a < b: NaN never wins
      for (; at + 16 <= stride; at += 16) {
        v128.store(scratch + at, f32x4.pmax(v128.load(scratch + at), v128.load(row + at)))
      }
      for (; at < stride; at += 4) {
        const value = load<f32>(row + at)
        if (value > load<f32>(scratch + at)) store<f32>(scratch + at, value)
      }
    }
    const to = target + (<usize>y) * stride
    for (let x = 0; x < width; x++) {
      if (x >= reach && x + reach + 4 <= width) {
        let best = zero
        const from = scratch + ((<usize>(x - reach)) << 2)
        for (let i: usize = 0; i <= (<usize>reach) << 3; i += 4) best = f32x4.pmax(best, v128.load(from + i))
        v128.store(to + ((<usize>x) << 2), f32x4.mul(f32x4.splat(factor), best))
        x += 3
        continue
      }
      let best: f32 = 0
      for (let i = -reach; i <= reach; i++) best = max<f32>(best, load<f32>(scratch + ((<usize>clampTo(x + i, width)) << 2)))
      store<f32>(to + ((<usize>x) << 2), factor * best)
    }
  }
}
