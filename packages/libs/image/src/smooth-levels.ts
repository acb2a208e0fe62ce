/** Levels of rows (or columns) of an overscan, smoothed, and over how many of them. */
export interface SmoothLevels {
  rows: Float32Array
  window: number
}

/**
 * Smoothed over as many rows as the level allows: over fewer than `window` where it changes faster, so that what is left
 * of the rows is the `noise` of their mean.
 */
export function smoothedWell(levels: Float32Array | Float64Array, window: number, noise: number): SmoothLevels {
  const n = levels.length
  for (let width = window | 1; width > 1; width = (width >> 1) | 1) {
    const smooth = smoothed(levels, width)
    const squares = smooth.reduce((sum, v, y) => sum + (levels[y] - v) ** 2, 0)
    // A chi-square of n rows scatters by √(2n); rows are part of their own mean.
    const expected = noise ** 2 * (1 - 1 / Math.min(width, n)) * (n + 4 * Math.sqrt(2 * n))
    if (squares <= expected) return { rows: smooth, window: width }
    if (width === 3) break
  }
  return { rows: Float32Array.from(levels), window: 1 }
}

/**
 * A straight line fitted to the rows around each: a running mean where there are as many on both sides, and no worse than
 * that towards the ends. The noise of a row's own overscan would otherwise go into all its pixels.
 */
export function smoothed(levels: Float32Array | Float64Array, window: number): Float32Array {
  const n = levels.length
  const sums = new Float64Array(n + 1)
  const moments = new Float64Array(n + 1)
  for (let y = 0; y < n; y++) {
    sums[y + 1] = sums[y] + levels[y]
    moments[y + 1] = moments[y] + (y - n / 2) * levels[y]
  }
  const half = window >> 1
  return Float32Array.from({ length: n }, (_, y) => {
    const [from, to] = [Math.max(0, y - half), Math.min(n, y + half + 1)]
    const count = to - from
    const middle = (from + to - 1) / 2
    const average = (sums[to] - sums[from]) / count
    if (middle === y) return average
    const covariance = moments[to] - moments[from] - (middle - n / 2) * (sums[to] - sums[from])
    return average + ((y - middle) * covariance * 12) / (count * (count * count - 1))
  })
}
