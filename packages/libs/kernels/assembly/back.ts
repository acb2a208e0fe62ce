// Level and noise of meshes from the histograms of their pixels, as SExtractor measures them (Bertin & Arnouts 1996,
// A&AS 117, 393): all pixels, then those within two sigma of their mean, set the scale of a histogram over ten sigma; it is
// clipped at three sigma about its median until the noise no longer changes.
import { latticePhase, latticeStep } from './lattice'
import { fourMasks } from './pixel-source'

/** The histogram reaches so many sigma to each side, and is so fine that this many pixels fall into its highest bins. */
const REACH: f64 = 5
const FILL: f64 = 4
const MOST_LEVELS: i32 = 4096
/** Values that are closer than this, in sigma, may pass for continuous. */
const FINEST: f64 = 0.02
/** Below so many steps of noise the median between few values is less true than their mean. */
const FEW_STEPS: f64 = 0.7

let mean: f64 = 0
let sigma: f64 = 0
let good: i32 = 0

/**
 * A row of `columns` meshes, `pitch` pixels wide (the last one may be narrower), of `rows` rows of an image. Three float64
 * for each into `results`: level, noise, and the part of its pixels that are good. Bins are
 * `coarse` times as wide as SExtractor's. `scratch` holds the pixels of the largest
 * mesh, 16 floats more, and 4100 int32.
 */
export function histogramMeshes(
  pixels: usize, mask: usize, maskBits: i32, width: i32, rows: i32, pitch: f64, columns: i32, coarse: i32,
  scratch: usize, results: usize,
): void {
  const bins = scratch
  const values = scratch + ((<usize>(MOST_LEVELS + 4)) << 2)
  for (let i = 0; i < columns; i++) {
    const x0 = <i32>Math.floor(<f64>i * pitch)
    const x1 = min<i32>(width, <i32>Math.floor(<f64>(i + 1) * pitch))
    let n = 0
    for (let y = 0; y < rows; y++) {
      copyRow(pixels, mask, maskBits, y * width + x0, x1 - x0, values + ((<usize>n) << 2))
      n += x1 - x0
    }
    const to = results + <usize>(24 * i)
    measure(values, n, coarse, bins, to)
    store<f64>(to, <f64>good / <f64>max<i32>(1, n), 16)
  }
}

/** Copies `n` pixels from pixel `p` on, NaN for masked ones. May write up to three values too many. */
function copyRow(pixels: usize, mask: usize, maskBits: i32, p: i32, n: i32, to: usize): void {
  const from = pixels + ((<usize>p) << 2)
  const bits = i32x4.splat(maskBits)
  const masks = mask + ((<usize>p) << 1)
  for (let x: usize = 0; x < <usize>n; x += 4) {
    let v = v128.load(from + (x << 2))
    if (mask) v = v128.or(v, i32x4.ne(v128.and(fourMasks(masks + (x << 1)), bits), i32x4.splat(0)))
    v128.store(to + (x << 2), v)
  }
}

function measure(values: usize, n: i32, coarse: i32, bins: usize, to: usize): void {
  moments(values, n, -f32.MAX_VALUE, f32.MAX_VALUE)
  const all = good
  if (good > 0) moments(values, n, <f32>(mean - 2 * sigma), <f32>(mean + 2 * sigma))
  const within = good
  good = all
  if (within == 0) {
    store<f64>(to, NaN)
    store<f64>(to, NaN, 8)
    return
  }
  const step = coarse > 1 && sigma > 0 ? latticeStep(values, n, mean - 2 * sigma, mean + 2 * sigma, FINEST * sigma, bins) : 0
  if (step > 0) {
    // a bin for each value that occurs: the median lies inside one, where the share of pixels on either side says
    const reach = <i32>Math.ceil((REACH * sigma) / step)
    const centre = Math.round(mean / step - latticePhase) * step + latticePhase * step
    const zero: f64 = centre - <f64>reach * step
    fillBins(values, n, <f32>step, <f32>zero, 2 * reach + 1, bins)
    guess(bins, 2 * reach + 1, step, zero, true, to)
    return
  }
  const levels = max<i32>(2, min<i32>(MOST_LEVELS, <i32>(Math.sqrt(2 / Math.PI) * (REACH / FILL) * <f64>within + 1) / coarse))
  // in float32, as there: values that are whole numbers fall on the borders of bins
  const scale: f32 = sigma > 0 ? <f32>((2 * REACH * sigma) / <f64>levels) : 1
  const zero: f32 = <f32>(mean - REACH * sigma)
  fillBins(values, n, scale, zero, levels, bins)
  guess(bins, levels, <f64>scale, <f64>zero, false, to)
}

/** Mean and sigma of the values from `low` to `high`, about the first of them; NaN is left out. */
function moments(values: usize, n: i32, low: f32, high: f32): void {
  let pivot: f32 = 0
  for (let k = 0; k < n; k++) {
    const v = load<f32>(values + ((<usize>k) << 2))
    if (v >= low && v <= high) {
      pivot = v
      break
    }
  }
  const shift = f32x4.splat(pivot)
  const lows = f32x4.splat(low)
  const highs = f32x4.splat(high)
  let sum = f64x2.splat(0)
  let squares = f64x2.splat(0)
  let counts = i32x4.splat(0)
  for (let k: usize = 0; k < (<usize>n) << 2; k += 16) {
    let v = v128.load(values + k)
    let inside = v128.and(f32x4.ge(v, lows), f32x4.le(v, highs))
    const rest = n - <i32>(k >> 2)
    if (rest < 4) inside = v128.and(inside, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(rest)))
    v = v128.and(f32x4.sub(v, shift), inside)
    counts = i32x4.sub(counts, inside)
    const a = f64x2.promote_low_f32x4(v)
    const b = f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3))
    sum = f64x2.add(sum, f64x2.add(a, b))
    squares = f64x2.add(squares, f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b)))
  }
  good = i32x4.extract_lane(counts, 0) + i32x4.extract_lane(counts, 1)
  good += i32x4.extract_lane(counts, 2) + i32x4.extract_lane(counts, 3)
  if (good == 0) return
  const offset = (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)) / <f64>good
  const spread = (f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1)) / <f64>good - offset * offset
  mean = <f64>pivot + offset
  sigma = spread > 0 ? Math.sqrt(spread) : 0
}

function fillBins(values: usize, n: i32, scale: f32, zero: f32, levels: i32, bins: usize): void {
  memory.fill(bins, 0, (<usize>(levels + 1)) << 2)
  const step = f32x4.splat(scale)
  const start = f32x4.splat(<f32>(0.499999 - <f64>(zero / scale)))
  const most = i32x4.splat(levels)
  for (let k: usize = 0; k < (<usize>n) << 2; k += 16) {
    const v = v128.load(values + k)
    const place = f32x4.add(f32x4.div(v, step), start)
    // NaN becomes -1 as well
    let bin = v128.bitselect(i32x4.trunc_sat_f32x4_s(place), i32x4.splat(-1), f32x4.eq(v, v))
    const rest = n - <i32>(k >> 2)
    if (rest < 4) bin = v128.bitselect(bin, i32x4.splat(-1), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(rest)))
    // what is outside, as an unsigned number above the last bin, goes to one more bin: no branch to guess
    bin = i32x4.min_u(bin, most)
    count(bins, i32x4.extract_lane(bin, 0))
    count(bins, i32x4.extract_lane(bin, 1))
    count(bins, i32x4.extract_lane(bin, 2))
    count(bins, i32x4.extract_lane(bin, 3))
  }
}

// @ts-ignore: decorator
@inline
function count(bins: usize, bin: i32): void {
  const at = bins + ((<usize>bin) << 2)
  store<i32>(at, load<i32>(at) + 1)
}

// @ts-ignore: decorator
@inline
function bin(bins: usize, i: i32): i32 {
  return load<i32>(bins + ((<usize>i) << 2))
}

/** Level and noise from the clipped histogram; `steps` where each bin is one step of the converter. */
function guess(bins: usize, levels: i32, scale: f64, zero: f64, steps: bool, to: usize): void {
  const top = levels - 1
  let low = 0
  let high = top
  let spread: f64 = 10 * <f64>top
  let before: f64 = 1
  let middle: f64 = 0
  let average: f64 = 0
  for (let k = 0; k < 100 && spread >= 0.1 && Math.abs(spread / before - 1) > 1e-4; k++) {
    before = spread
    let sum = 0
    let first: f64 = 0
    let second: f64 = 0
    let below = 0
    let above = 0
    let l = low
    let h = high
    for (let i = low; i <= high; i++) {
      if (below < above) below += bin(bins, l++)
      else above += bin(bins, h--)
      const here = bin(bins, i)
      const weight = <f64>here * <f64>i
      sum += here
      first += weight
      second += weight * <f64>i
    }
    const largest = <f64>max<i32>(bin(bins, l), h >= 0 ? bin(bins, h) : 0)
    middle = h >= 0 ? <f64>h + 0.5 + (largest > 0 ? <f64>(above - below) / (2 * largest) : 0) : 0
    average = sum > 0 ? first / <f64>sum : 0
    const variance = sum > 0 ? second / <f64>sum - average * average : 0
    spread = variance > 0 ? Math.sqrt(variance) : 0
    low = max<i32>(0, <i32>(middle - 3 * spread + 0.5))
    high = min<i32>(top, <i32>(middle + 3 * spread + 0.5))
  }
  let level = average
  if (steps) middle = spread < FEW_STEPS ? average : slopingMedian(bins, low, high)
  // the mode; or the median, where stars crowd so that the mean lies far from it
  if (spread > 0) level = Math.abs((average - middle) / spread) < 0.3 ? 2.5 * middle - 1.5 * average : middle
  store<f64>(to, zero + level * scale)
  store<f64>(to, spread * scale, 8)
}

/** The median of bins `low` to `high`, the density within a bin sloping as its neighbours say. */
function slopingMedian(bins: usize, low: i32, high: i32): f64 {
  let sum = 0
  for (let i = low; i <= high; i++) sum += bin(bins, i)
  let before = 0
  let h = low
  while (2 * (before + bin(bins, h)) < sum) before += bin(bins, h++)
  const here = <f64>bin(bins, h)
  const wanted = <f64>sum / 2 - <f64>before
  const slope = h > low && h < high ? <f64>(bin(bins, h + 1) - bin(bins, h - 1)) / 2 : 0
  let inside = wanted / here
  for (let k = 0; k < 4; k++) inside = (wanted - (slope * inside * (inside - 1)) / 2) / here
  return <f64>h - 0.5 + inside
}
