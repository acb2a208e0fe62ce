// Squares of an image, and where two of them are unlike.

/**
 * The squares of `side` pixels of `bytes` each from (`lefts`, `tops`, int32) on, one after the other. What is beyond the image
 * stays as it is in `out`.
 */
export function cutSquares(
  pixels: usize, width: i32, height: i32, bytes: i32, lefts: usize, tops: usize, n: i32, side: i32, out: usize,
): void {
  for (let k = 0; k < n; k++) {
    const left = load<i32>(lefts + (<usize>k << 2))
    const top = load<i32>(tops + (<usize>k << 2))
    const from = max<i32>(0, -left)
    const to = min<i32>(side, width - left)
    if (from >= to) continue
    const end = min<i32>(side, height - top)
    for (let v = max<i32>(0, -top); v < end; v++) {
      const target = out + <usize>(((k * side + v) * side + from) * bytes)
      memory.copy(target, pixels + <usize>(((top + v) * width + left + from) * bytes), <usize>((to - from) * bytes))
    }
  }
}

/**
 * The pixels in which two squares of `n` pixels differ by more than `limit` sigma and a part of the light that both have. One is the
 * other times `scale`; `low` and `high` are their levels. Their numbers are in `found` (int32); returns how many there are.
 */
export function unlikePixels(
  ours: usize, theirs: usize, n: i32, scale: f64, low: f64, high: f64,
  limit: f64, variance: f64, perUnit: f64, part: f64, found: usize,
): i32 {
  const least = limit * sqrt<f64>(variance)
  let count = 0
  for (let p: usize = 0; p < <usize>n; p++) {
    const here = <f64>load<f32>(ours + (p << 2)) - low
    const there = scale * (<f64>load<f32>(theirs + (p << 2)) - high)
    const difference = abs<f64>(here - there)
    if (!(difference > least)) continue
    const common = max<f64>(0, min<f64>(here, there))
    if (difference <= limit * sqrt<f64>(variance + perUnit * common) + part * common) continue
    store<i32>(found + (<usize>count << 2), <i32>p)
    count++
  }
  return count
}
