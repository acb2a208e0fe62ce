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
