// What the filters over windows of pixels have in common. Beyond the edge of the image the edge pixel repeats.
import { selectInPlace } from './select'

// @ts-ignore: decorator
@inline
export function clampTo(i: i32, n: i32): i32 {
  return i < 0 ? 0 : i >= n ? n - 1 : i
}

/** True when one of `n` floats is NaN. */
export function hasNaN(at: usize, n: i32): bool {
  let i = 0
  let bad = i32x4.splat(0)
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(at + ((<usize>i) << 2))
    bad = v128.or(bad, f32x4.ne(v, v))
  }
  for (; i < n; i++) {
    const v = load<f32>(at + ((<usize>i) << 2))
    if (v != v) return true
  }
  return v128.any_true(bad)
}

/** The median of the numbers in the window of `sizeX` by `sizeY` about one pixel; NaN when there are none. */
export function windowMedian(
  source: usize, width: i32, height: i32, x: i32, y: i32, sizeX: i32, sizeY: i32, scratch: usize,
): f32 {
  let n = 0
  for (let v = y - (sizeY >> 1); v <= y + (sizeY >> 1); v++) {
    const row = source + ((<usize>(clampTo(v, height) * width)) << 2)
    for (let u = x - (sizeX >> 1); u <= x + (sizeX >> 1); u++) {
      const value = load<f32>(row + ((<usize>clampTo(u, width)) << 2))
      if (value != value) continue
      store<f32>(scratch + ((<usize>n) << 2), value)
      n++
    }
  }
  if (n == 0) return NaN
  const upper = selectInPlace<f32>(scratch, n, n >> 1)
  if (n & 1) return upper + 0
  let lower = load<f32>(scratch)
  for (let i = 1; i < n >> 1; i++) lower = max<f32>(lower, load<f32>(scratch + ((<usize>i) << 2)))
  return <f32>0.5 * lower + <f32>0.5 * upper + 0
}
