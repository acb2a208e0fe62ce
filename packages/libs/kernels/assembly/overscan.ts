// The level of each row of an overscan.
import { selectInPlace } from './select'

/**
 * Row by row the mean of the values near their median: within 3 counts, or 3 sigma by the scaled MAD, whichever is more.
 * No digit is lost, as the median of integers would lose it. NaN for a row without a number. `scratch` holds two rows.
 */
export function rowLevels(pixels: usize, columns: i32, rows: i32, levels: usize, scratch: usize): void {
  const distances = scratch + ((<usize>columns) << 2)
  for (let y = 0; y < rows; y++) {
    const row = pixels + ((<usize>(y * columns)) << 2)
    let n = 0
    for (let x = 0; x < columns; x++) {
      const v = load<f32>(row + ((<usize>x) << 2))
      store<f32>(scratch + ((<usize>n) << 2), v)
      n += i32(abs<f32>(v) <= f32.MAX_VALUE)
    }
    store<f32>(levels + ((<usize>y) << 2), n > 0 ? levelOf(scratch, n, distances) : <f32>NaN)
  }
}

function levelOf(values: usize, n: i32, distances: usize): f32 {
  const centre = selectInPlace<f32>(values, n, n >> 1)
  for (let i: usize = 0; i < (<usize>n) << 2; i += 4) {
    store<f32>(distances + i, abs<f32>(load<f32>(values + i) - centre))
  }
  // 3 sigma: 3 x 1.4826 of the median distance
  const limit = max<f32>(3, <f32>4.448 * selectInPlace<f32>(distances, n, n >> 1))
  let sum: f64 = 0
  let kept = 0
  for (let i: usize = 0; i < (<usize>n) << 2; i += 4) {
    const distance = load<f32>(values + i) - centre
    if (abs<f32>(distance) > limit) continue
    sum += <f64>distance
    kept++
  }
  return <f32>(<f64>centre + sum / <f64>kept)
}
