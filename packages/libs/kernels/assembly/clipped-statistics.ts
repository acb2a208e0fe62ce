// Level and noise of many values with outliers.
import { Moments, extremes, moments } from './moments'
import { Range, firstLanes, neighbours, next, previous, scan, sumLanes, valueOfRank } from './ranks'
import { selectInPlace } from './select'

const MAD_TO_SIGMA: f64 = 1.4826022185056018

/** Where the results lie, in float64: mean, median, sigma, smallest, largest, count, how many were not finite. */
@unmanaged
class Results {
  mean: f64
  median: f64
  sigma: f64
  minimum: f64
  maximum: f64
  count: f64
  bad: f64
}

const range = changetype<Range>(memory.data(64, 16))
const found = changetype<Moments>(memory.data(64, 16))
const pair = memory.data(16, 16)

/**
 * Mean, median and standard deviation of the `n` values within `clip` sigma of their median, round after round, as
 * robustStatistics of the math library says it: sigma is first the scaled MAD, then that of the kept values times
 * `factor`, for the tails that the clip cut off. `smooth`: where values repeat (integers), the median is interpolated
 * among its equals, as if they were spread evenly. `buffer` holds `capacity` floats and 16 more.
 */
export function clippedStatistics(
  values: usize, n: i32, clip: f64, factor: f64, iterations: i32, smooth: i32, buffer: usize, capacity: i32, to: usize,
): void {
  const results = changetype<Results>(to)
  range.values = values
  range.n = n
  range.low = -f32.MAX_VALUE
  range.high = f32.MAX_VALUE
  range.distances = 0
  range.buffer = buffer
  range.capacity = capacity
  const finite = countFinite()
  results.bad = <f64>(n - finite)
  if (finite == 0) {
    nothing(results)
    return
  }
  roughly()
  let count = finite
  const width: f64 = 4 * found.sigma / sqrt<f64>(<f64>finite)
  let centre = median(count, found.mean, width)
  const repeats = smooth != 0 && medianRepeats(<f32>centre)
  let sigma = MAD_TO_SIGMA * medianDistance(count, centre, found.sigma)
  let current = false // whether `found` is about the range as it is
  for (let round = 0; round < iterations; round++) {
    if (sigma == 0) {
      if (!current) moments(range, <f32>centre, found)
      sigma = found.sigma
    }
    range.low = max<f32>(-f32.MAX_VALUE, notBelow(centre - clip * sigma))
    range.high = min<f32>(f32.MAX_VALUE, notAbove(centre + clip * sigma))
    moments(range, <f32>centre, found)
    current = true
    if (found.count == count) break
    count = found.count
    centre = median(count, centre, 3 * found.sigma / sqrt<f64>(<f64>count))
    sigma = found.sigma * factor
  }
  if (!current) moments(range, <f32>centre, found)
  extremes(range, found)
  results.mean = found.mean
  results.median = repeats ? smoothMedian(found.count, centre) : centre
  results.sigma = found.count < finite ? found.sigma * factor : found.sigma
  results.minimum = <f64>found.smallest
  results.maximum = <f64>found.largest
  results.count = <f64>found.count
}

function nothing(results: Results): void {
  results.mean = results.median = results.sigma = results.minimum = results.maximum = NaN
  results.count = 0
}

function countFinite(): i32 {
  const largest = f32x4.splat(f32.MAX_VALUE)
  let count = i32x4.splat(0)
  for (let i = 0; i < range.n; i += 4) {
    let good = f32x4.le(f32x4.abs(v128.load(range.values + ((<usize>i) << 2))), largest)
    if (range.n - i < 4) good = v128.and(good, firstLanes(range.n - i))
    count = i32x4.sub(count, good)
  }
  return sumLanes(count)
}

/** A first idea of mean and sigma, into `found`: those within 4 sigma of the middle of a sample of 64 values. */
function roughly(): void {
  const step = max<i32>(1, range.n / 64) | 1
  let taken = 0
  for (let i = step >> 1; i < range.n && taken < 64; i += step) {
    const v = load<f32>(range.values + ((<usize>i) << 2))
    if (!(abs<f32>(v) <= f32.MAX_VALUE)) continue
    store<f32>(range.buffer + ((<usize>taken) << 2), v)
    taken++
  }
  if (taken > 7) {
    const middle = selectInPlace<f32>(range.buffer, taken, taken >> 1)
    const lower = selectInPlace<f32>(range.buffer, taken, taken >> 2)
    const upper = selectInPlace<f32>(range.buffer, taken, (3 * taken) >> 2)
    const reach: f32 = <f32>3 * (upper - lower) // 4 sigma: the quartiles are 1.35 sigma apart
    range.low = max<f32>(-f32.MAX_VALUE, middle - reach)
    range.high = min<f32>(f32.MAX_VALUE, middle + reach)
    moments(range, middle, found)
    range.low = -f32.MAX_VALUE
    range.high = f32.MAX_VALUE
  } else {
    moments(range, taken > 0 ? load<f32>(range.buffer) : <f32>0, found)
  }
}

/** The median of the `count` values of the range, expected within `width` of `guess`. */
function median(count: i32, guess: f64, width: f64): f64 {
  const rank = count >> 1
  const upper = valueOfRank(range, rank, <f32>(guess - width), <f32>(guess + width))
  if (count & 1) return <f64>upper
  return 0.5 * (<f64>upper + <f64>beforeRank(rank, upper, <f32>width))
}

/** True when the median that was just found is there twice. */
function medianRepeats(value: f32): bool {
  if (range.inside > range.capacity) return true
  let equals = 0
  for (let i = 0; i < range.inside; i++) {
    if (load<f32>(range.buffer + ((<usize>i) << 2)) == value) equals++
  }
  return equals > 1
}

/** The value of the rank before `rank`, of which `upper` is the value that was just found. */
function beforeRank(rank: i32, upper: f32, width: f32): f32 {
  const place = rank - range.below
  if (range.inside > range.capacity) {
    if (place > 0) return upper // all in the bracket are equal
  } else if (place > 0) {
    let lower = load<f32>(range.buffer)
    for (let i = 1; i < place; i++) lower = max<f32>(lower, load<f32>(range.buffer + ((<usize>i) << 2)))
    return lower
  }
  return valueOfRank(range, rank - 1, upper - width, upper)
}

/** The MAD: the median of the distances from `centre`, of values of about this sigma. */
function medianDistance(count: i32, centre: f64, sigma: f64): f64 {
  range.distances = 1
  range.centre = <f32>centre
  const guess = sigma / MAD_TO_SIGMA
  const mad = median(count, guess, 5 * guess / sqrt<f64>(<f64>count))
  range.distances = 0
  return mad
}

/**
 * The median of values that repeat: the place of half the count within its equals, which are taken to fill the range
 * halfway to the values next to them.
 */
function smoothMedian(count: i32, centre: f64): f64 {
  const middle = <f32>centre
  scan(range, middle, middle)
  const equals = range.inside
  const below = range.below
  if (equals < 2) return centre
  neighbours(range, middle, pair)
  let under = centre - <f64>load<f32>(pair)
  let over = <f64>load<f32>(pair, 4) - centre
  if (under == Infinity) under = over
  if (over == Infinity) over = under
  if (under == Infinity) return centre // all are equal
  const part = (0.5 * <f64>count - <f64>below) / <f64>equals
  return centre - 0.5 * under + part * 0.5 * (under + over)
}

/** The smallest float32 that is not below `x`, the largest that is not above it. */
function notBelow(x: f64): f32 {
  const near = <f32>x
  return <f64>near < x ? next(near) : near
}

function notAbove(x: f64): f32 {
  const near = <f32>x
  return <f64>near > x ? previous(near) : near
}
