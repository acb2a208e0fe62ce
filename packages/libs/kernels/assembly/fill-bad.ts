// Pixels without a usable value, made harmless for what reaches over several pixels.

/** Marks values that are not finite with `bit`; how many there are. */
export function markNotFinite(pixels: usize, mask: usize, n: i32, bit: i32): i32 {
  let count = 0
  for (let p: usize = 0; p < <usize>n; p++) {
    const value = load<f32>(pixels + (p << 2))
    if (value - value == 0) continue
    store<i16>(mask + (p << 1), load<i16>(mask + (p << 1)) | <i16>bit)
    count++
  }
  return count
}

/** How many values are not finite. */
export function countNotFinite(pixels: usize, n: i32): i32 {
  let all = i32x4.splat(0)
  let p: usize = 0
  const end = (<usize>n) << 2
  for (; p + 16 <= end; p += 16) {
    const v = v128.load(pixels + p)
    const difference = f32x4.sub(v, v)
    all = i32x4.sub(all, f32x4.ne(difference, difference))
  }
  let count =
    i32x4.extract_lane(all, 0) + i32x4.extract_lane(all, 1) + i32x4.extract_lane(all, 2) + i32x4.extract_lane(all, 3)
  for (; p < end; p += 4) {
    const v = load<f32>(pixels + p)
    if (v - v != 0) count++
  }
  return count
}

/**
 * Gives every pixel that has one of `bits`, and not `keep`, the mean of the good ones within 2 px, weighted by their
 * nearness; `level` where there are none. So also its squared error in `variance` (may be 0). How many there were.
 */
export function fillBad(
  pixels: usize, variance: usize, mask: usize, width: i32, rows: i32, bits: i32, keep: i32, level: f32,
): i32 {
  let count = 0
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < width; x++) {
      const p = <usize>(y * width + x)
      if ((<usize>p & 7) == 0 && x + 8 <= width && !v128.any_true(v128.load(mask + (p << 1)))) {
        x += 7
        continue
      }
      const own = <i32>load<i16>(mask + (p << 1))
      if ((own & bits) == 0 || (own & keep) != 0) continue
      count++
      let sum: f32 = 0
      let squares: f32 = 0
      let weight: f32 = 0
      for (let v = max<i32>(0, y - 2); v <= min<i32>(rows - 1, y + 2); v++) {
        for (let u = max<i32>(0, x - 2); u <= min<i32>(width - 1, x + 2); u++) {
          const q = <usize>(v * width + u)
          const other = <i32>load<i16>(mask + (q << 1))
          if ((other & bits) != 0 && (other & keep) == 0) continue
          const d = <f32>((u - x) * (u - x) + (v - y) * (v - y))
          const w: f32 = 1 / (d * d)
          sum += w * load<f32>(pixels + (q << 2))
          if (variance) squares += w * load<f32>(variance + (q << 2))
          weight += w
        }
      }
      store<f32>(pixels + (p << 2), weight > 0 ? sum / weight : level)
      if (variance) store<f32>(variance + (p << 2), weight > 0 ? squares / weight : 0)
    }
  }
  return count
}
