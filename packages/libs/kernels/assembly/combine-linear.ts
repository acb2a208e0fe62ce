// Samples of a pixel, sorted, should lie on a line: those far from it are set aside. The rest is averaged.

/**
 * `n` pixels of `planes` float planes. `records` has, for each plane, its address and that of its mask (0: none), then
 * floats offset, scale, weight and ceiling: a sample is (value - offset) scale of a value below the ceiling. `low` and `high` count sigma from the line. `scratch` holds 3 floats for each plane. Writes means, counts (int16) and Σw² / (Σw)², the variance of the mean
 * over that of a sample.
 */
export function combineLinear(
  records: usize, planes: i32, n: i32, maskBits: i32, low: f32, high: f32, scratch: usize,
  pixels: usize, counts: usize, loss: usize,
): void {
  const values = scratch
  const weights = scratch + ((<usize>planes) << 2)
  for (let p: usize = 0; p < <usize>n; p++) {
    let count = 0
    for (let k = 0; k < planes; k++) {
      const record = records + <usize>k * 24
      const mask = <usize>load<u32>(record, 4)
      if (mask != 0 && (<i32>load<i16>(mask + (p << 1)) & maskBits) != 0) continue
      const value = load<f32>(<usize>load<u32>(record) + (p << 2))
      if (value - value != 0 || value >= load<f32>(record, 20)) continue
      insert(values, weights, count, (value - load<f32>(record, 8)) * load<f32>(record, 12), load<f32>(record, 16))
      count++
    }
    count = trim(values, weights, count, low, high)
    let sum: f32 = 0
    let total: f32 = 0
    let squares: f32 = 0
    for (let i: usize = 0; i < <usize>count; i++) {
      const w = load<f32>(weights + (i << 2))
      sum += w * load<f32>(values + (i << 2))
      total += w
      squares += w * w
    }
    store<f32>(pixels + (p << 2), count > 0 ? sum / total : NaN)
    store<i16>(counts + (p << 1), <i16>count)
    store<f32>(loss + (p << 2), count > 0 ? squares / (total * total) : NaN)
  }
}

/** Puts a sample in its place among those that are sorted already. */
function insert(values: usize, weights: usize, count: i32, value: f32, weight: f32): void {
  let i = count
  while (i > 0) {
    const before = (<usize>(i - 1)) << 2
    if (load<f32>(values + before) <= value) break
    store<f32>(values + before + 4, load<f32>(values + before))
    store<f32>(weights + before + 4, load<f32>(weights + before))
    i--
  }
  store<f32>(values + ((<usize>i) << 2), value)
  store<f32>(weights + ((<usize>i) << 2), weight)
}

/** Of normal deviates, sorted, the middle two fifths rise by 2.6 sigma over the number of them from one to the next. */
const RISE: f32 = 2.62

/**
 * Takes away what lies off the line until nothing does; how many are left. The line is that of the middle two fifths,
 * which outliers do not reach, and so is the sigma: what rises steadily from frame to frame (a sky that brightens) only
 * makes it steeper.
 */
function trim(values: usize, weights: usize, samples: i32, low: f32, high: f32): i32 {
  let count = samples
  while (count > 4) {
    const from = max<i32>(1, (3 * count) / 10)
    const inner = count - 2 * from
    let mean: f32 = 0
    for (let i = from; i < count - from; i++) mean += load<f32>(values + ((<usize>i) << 2))
    mean /= <f32>inner
    const middle = <f32>(count - 1) / 2
    let slope: f32 = 0
    for (let i = from; i < count - from; i++) {
      slope += (<f32>i - middle) * (load<f32>(values + ((<usize>i) << 2)) - mean)
    }
    slope *= 12 / (<f32>inner * (<f32>inner * <f32>inner - 1))
    const sigma = (slope * <f32>count) / RISE
    let kept = 0
    for (let i = 0; i < count; i++) {
      const at = (<usize>i) << 2
      const off = load<f32>(values + at) - mean - slope * (<f32>i - middle)
      if (off < -low * sigma || off > high * sigma) continue
      store<f32>(values + ((<usize>kept) << 2), load<f32>(values + at))
      store<f32>(weights + ((<usize>kept) << 2), load<f32>(weights + at))
      kept++
    }
    if (kept == count || kept < 3) break
    count = kept
  }
  return count
}
