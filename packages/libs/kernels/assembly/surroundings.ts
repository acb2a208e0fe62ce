// Pixels against their surroundings: medians of boxes, and what stands out of them.
import { selectInPlace } from './select'

const MAD_TO_SIGMA: f32 = 1.4826022185056018

/** The median of the first `n` values, the mean of the two middle ones when `n` is even; reorders them. NaN of none. */
function medianOf(values: usize, n: i32): f64 {
  if (n <= 0) return NaN
  const upper = selectInPlace<f32>(values, n, n >> 1)
  if (n & 1) return <f64>upper
  let lower = load<f32>(values)
  for (let i = 1; i < n >> 1; i++) lower = max<f32>(lower, load<f32>(values + ((<usize>i) << 2)))
  return 0.5 * <f64>lower + 0.5 * <f64>upper
}

/** The median of the numbers in a box of an image whose rows are `stride` long. `scratch` holds as many floats. */
export function boxMedian(pixels: usize, stride: i32, columns: i32, rows: i32, scratch: usize): f32 {
  return <f32>medianOfBox(pixels, stride, columns, rows, scratch)
}

/** The same, not rounded. */
export function medianOfBox(pixels: usize, stride: i32, columns: i32, rows: i32, scratch: usize): f64 {
  let n = 0
  for (let y = 0; y < rows; y++) {
    const row = pixels + ((<usize>(y * stride)) << 2)
    for (let x = 0; x < columns; x++) {
      const v = load<f32>(row + ((<usize>x) << 2))
      store<f32>(scratch + ((<usize>n) << 2), v)
      n += i32(v == v)
    }
  }
  return medianOf(scratch, n)
}

/**
 * Each pixel minus the one before it in its row, of rows `width` long, to `target`: width - 1 for each row. Where there is
 * an image `other`, of the difference of both, in float64 and rounded once. Returns how many there are.
 */
export function neighbourDifferences(pixels: usize, other: usize, width: i32, n: i32, target: usize): i32 {
  let count = 0
  for (let start = 0; start < n; start += width) {
    const end = min<i32>(n, start + width)
    for (let p = start + 1; p < end; p++) {
      const at = (<usize>p) << 2
      let step = <f64>load<f32>(pixels + at) - <f64>load<f32>(pixels + at - 4)
      if (other) {
        const here = <f32>(<f64>load<f32>(pixels + at) - <f64>load<f32>(other + at))
        const before = <f32>(<f64>load<f32>(pixels + at - 4) - <f64>load<f32>(other + at - 4))
        step = <f64>here - <f64>before
      }
      store<f32>(target + ((<usize>count) << 2), <f32>step)
      count++
    }
  }
  return count
}

/** How many pixels are more than `limit` above the median of the `segment` pixels of their row that they belong to. */
export function standingOut(pixels: usize, width: i32, rows: i32, segment: i32, limit: f32, scratch: usize): i32 {
  let count = 0
  for (let y = 0; y < rows; y++) {
    for (let x0 = 0; x0 < width; x0 += segment) {
      const columns = min<i32>(segment, width - x0)
      const at = pixels + ((<usize>(y * width + x0)) << 2)
      // The median is not below the smallest: where the largest is near that, nothing stands out.
      if (rangeOf(at, columns) <= limit) continue
      const level = boxMedian(at, columns, columns, 1, scratch)
      for (let x = 0; x < columns; x++) count += i32(load<f32>(at + ((<usize>x) << 2)) - level > limit)
    }
  }
  return count
}

/** The largest of `n` numbers minus the smallest; NaN does not count, and of none it is -Infinity. */
function rangeOf(values: usize, n: i32): f32 {
  let smallest = f32x4.splat(Infinity)
  let largest = f32x4.splat(-Infinity)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(values + ((<usize>i) << 2))
    smallest = f32x4.pmin(smallest, v)
    largest = f32x4.pmax(largest, v)
  }
  let low = min<f32>(
    min<f32>(f32x4.extract_lane(smallest, 0), f32x4.extract_lane(smallest, 1)),
    min<f32>(f32x4.extract_lane(smallest, 2), f32x4.extract_lane(smallest, 3)),
  )
  let high = max<f32>(
    max<f32>(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max<f32>(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  )
  for (; i < n; i++) {
    const v = load<f32>(values + ((<usize>i) << 2))
    if (v < low) low = v
    if (v > high) high = v
  }
  return high - low
}

/**
 * Level and scatter (median and scaled MAD) of each `segment` columns of a strip, from about `looked` of their pixels,
 * float32 in `levels` and `scatters`: NaN where there are none. `scratch` holds 2 * looked + segment floats.
 */
export function surroundings(
  pixels: usize, columns: i32, rows: i32, segment: i32, looked: i32, levels: usize, scatters: usize, scratch: usize,
): void {
  for (let x0 = 0; x0 < columns; x0 += segment) {
    const width = min<i32>(columns - x0, segment)
    // Every so-manyth pixel, a step that does not line up with the columns.
    const step = max<i32>(1, (width * rows) / looked) | 1
    let n = 0
    let y = 0
    let x = 0
    while (y < rows) {
      const v = load<f32>(pixels + ((<usize>(y * columns + x0 + x)) << 2))
      store<f32>(scratch + ((<usize>n) << 2), v)
      n += i32(abs<f32>(v) <= f32.MAX_VALUE)
      x += step
      while (x >= width) {
        x -= width
        y++
      }
    }
    const level = <f32>medianOf(scratch, n)
    for (let i = 0; i < n; i++) {
      const at = scratch + ((<usize>i) << 2)
      store<f32>(at, abs<f32>(load<f32>(at) - level))
    }
    const place = <usize>(x0 / segment) << 2
    store<f32>(levels + place, level)
    store<f32>(scatters + place, MAD_TO_SIGMA * <f32>medianOf(scratch, n))
  }
}
