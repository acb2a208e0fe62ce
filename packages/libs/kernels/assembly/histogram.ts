/**
 * Counts `n` floats in `bins` bins of equal width from `low` to `high`, adding to `counts` (uint32): the bins, then how
 * many were below, how many at or above `high`, and how many NaN.
 */
export function histogram(values: usize, n: i32, low: f64, high: f64, bins: i32, counts: usize): void {
  const perUnit = <f64>bins / (high - low)
  for (let i = 0; i < n; i++) {
    const value = <f64>load<f32>(values + ((<usize>i) << 2))
    let bin = bins
    if (value >= low && value < high) bin = min<i32>(bins - 1, <i32>((value - low) * perUnit))
    else if (value >= high) bin = bins + 1
    else if (value != value) bin = bins + 2
    const at = counts + ((<usize>bin) << 2)
    store<u32>(at, load<u32>(at) + 1)
  }
}

/**
 * Counts `n` points, whose `x` and `y` are float64, by the stripe they lie in: that of number y cos - x sin + middle, which
 * is positive, rounded down. Adds to `counts` (int32).
 */
export function countStripes(x: usize, y: usize, n: i32, cos: f64, sin: f64, middle: f64, counts: usize): void {
  const along = f64x2.splat(cos)
  const across = f64x2.splat(sin)
  const half = f64x2.splat(middle)
  let i = 0
  for (; i + 2 <= n; i += 2) {
    const at = (<usize>i) << 3
    const turned = f64x2.sub(f64x2.mul(v128.load(y + at), along), f64x2.mul(v128.load(x + at), across))
    const stripe = i32x4.trunc_sat_f64x2_s_zero(f64x2.add(turned, half))
    countOne(counts, i32x4.extract_lane(stripe, 0))
    countOne(counts, i32x4.extract_lane(stripe, 1))
  }
  if (i === n) return
  const at = (<usize>i) << 3
  countOne(counts, <i32>(load<f64>(y + at) * cos - load<f64>(x + at) * sin + middle))
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function countOne(counts: usize, bin: i32): void {
  const at = counts + ((<usize>bin) << 2)
  store<i32>(at, load<i32>(at) + 1)
}
