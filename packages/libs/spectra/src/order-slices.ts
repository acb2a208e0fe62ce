import { MAD_TO_SIGMA, median } from '@nightpipe/math'

/** A frame, with what is bad of it marked; the dispersion runs along x. */
export interface OrderImage {
  width: number
  height: number
  pixels: Float32Array
  /** not 0: do not use */
  mask?: ArrayLike<number>
}

/** The frame as narrow strips across the orders, each of them collapsed along x: a cut through all orders. */
export interface Slices {
  /** strips, each `height` values long */
  count: number
  height: number
  /** the middle column of each */
  x: Float64Array
  /** [strip][y]: mean of the columns */
  cuts: Float32Array
  /** one sigma of the values of a strip */
  noise: Float64Array
}

/** Columns in a strip: narrow enough that a tilted order does not blur. */
export const stripWidth = (width: number): number =>
  width >= 2048 ? 16 : width >= 700 ? 8 : Math.max(2, Math.min(4, width >> 6))

/** Cuts across the orders. The brightest pixel of each row of a strip is left out: it may be a cosmic ray, or hot. */
export function sliceFrame({ width, height, pixels, mask }: OrderImage): Slices {
  const step = stripWidth(width)
  const count = Math.floor(width / step)
  const cuts = new Float32Array(count * height)
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < count; k++) {
      let sum = 0
      let top = Number.NEGATIVE_INFINITY
      let n = 0
      for (let p = y * width + k * step; p < y * width + (k + 1) * step; p++) {
        const value = pixels[p]!
        if (!(value - value === 0) || (mask && mask[p] !== 0)) continue
        sum += value
        if (value > top) top = value
        n++
      }
      cuts[k * height + y] = n > 1 ? (sum - top) / (n - 1) : Number.NaN
    }
  }
  const noise = new Float64Array(count)
  for (let k = 0; k < count; k++) {
    const cut = cuts.subarray(k * height, (k + 1) * height)
    fillGaps(cut)
    noise[k] = cutNoise(cut)
  }
  const x = Float64Array.from({ length: count }, (_, k) => (k + 0.5) * step - 0.5)
  return { count, height, x, cuts, noise }
}

/** A value that is missing is that of the nearest row below, or above. */
function fillGaps(cut: Float32Array): void {
  let last = cut.find((value) => !Number.isNaN(value)) ?? 0
  for (let y = 0; y < cut.length; y++) {
    if (Number.isNaN(cut[y]!)) cut[y] = last
    else last = cut[y]!
  }
}

/**
 * The noise from row to row where there is least light, from third differences, which smooth light hardly changes:
 * of 32 parts of the cut, the fifth least.
 */
function cutNoise(cut: Float32Array): number {
  const parts: number[] = []
  const length = Math.max(16, Math.floor(cut.length / 32))
  for (let from = 0; from + length <= cut.length; from += length) {
    const differences: number[] = []
    for (let y = from + 3; y < from + length; y++) {
      differences.push(Math.abs(cut[y]! - 3 * cut[y - 1]! + 3 * cut[y - 2]! - cut[y - 3]!))
    }
    parts.push((MAD_TO_SIGMA * median(differences)) / Math.sqrt(20))
  }
  parts.sort((a, b) => a - b)
  return Math.max(parts[Math.min(parts.length - 1, 4)] ?? 0, 1e-6)
}

/** What of a cut stands out of its surroundings by less than `size` rows: the opening (Serra 1982) taken off. */
export function standingOut(cut: Float32Array, size: number): Float32Array {
  const half = Math.max(1, Math.round(size / 2))
  const low = new Float32Array(cut.length)
  const open = new Float32Array(cut.length)
  for (let y = 0; y < cut.length; y++) {
    let least = Number.POSITIVE_INFINITY
    for (let k = Math.max(0, y - half); k <= Math.min(cut.length - 1, y + half); k++) least = Math.min(least, cut[k]!)
    low[y] = least
  }
  for (let y = 0; y < cut.length; y++) {
    let most = Number.NEGATIVE_INFINITY
    for (let k = Math.max(0, y - half); k <= Math.min(cut.length - 1, y + half); k++) most = Math.max(most, low[k]!)
    open[y] = cut[y]! - most
  }
  return open
}

export interface OrderScale {
  /** full width at half maximum of an order across the dispersion, px */
  fwhm: number
  /** rows from one order (or fibre) to the next, where they are closest to regular */
  period: number
}

/** How wide orders are and how far apart, from the autocorrelation of the cuts. */
export function orderScale({ count, height, cuts, noise }: Slices): OrderScale {
  const lags = Math.min(400, height >> 1)
  const sums = new Float64Array(lags)
  const flat = new Float64Array(height)
  for (let k = 0; k < count; k += Math.max(1, count >> 6)) {
    const cut = cuts.subarray(k * height, (k + 1) * height)
    // bright orders must not speak for all
    const local = runningMean(cut, Math.min(height >> 1, 200))
    for (let y = 0; y < height; y++) flat[y] = Math.asinh((cut[y]! - local[y]!) / (4 * noise[k]!))
    let zero = 0
    for (let y = 0; y < height; y++) zero += flat[y]! * flat[y]!
    if (zero === 0) continue
    for (let lag = 0; lag < lags; lag++) {
      let sum = 0
      for (let y = lag; y < height; y++) sum += flat[y]! * flat[y - lag]!
      sums[lag]! += sum / zero
    }
  }
  // white noise adds to lag 0 only: its value without is extrapolated
  const peak = Math.min(sums[0]!, (4 * sums[1]! - sums[2]!) / 3)
  let valley = 1
  while (valley + 1 < lags && sums[valley + 1]! < sums[valley]!) valley++
  const level = (peak + sums[valley]!) / 2
  let cross = 1
  while (cross < valley && sums[cross]! > level) cross++
  const above = cross === 1 ? peak : sums[cross - 1]!
  const width = cross - 1 + (above - level) / Math.max(1e-12, above - sums[cross]!)
  let period = valley
  while (period + 1 < lags && sums[period + 1]! > sums[period]!) period++
  const found = period + 1 < lags && sums[period]! > sums[valley]! + 0.02 * peak
  // the autocorrelation of a peak is wider than the peak: by √2 of a Gaussian
  const fwhm = Math.max(1.5, (2 * width) / Math.SQRT2)
  return { fwhm, period: found ? period : Math.max(4 * fwhm, 2 * valley) }
}

/** The mean within `window` rows of each; at the ends, of those there are. */
export function runningMean(values: Float32Array, window: number): Float64Array {
  const sums = new Float64Array(values.length + 1)
  for (let k = 0; k < values.length; k++) sums[k + 1] = sums[k]! + values[k]!
  return Float64Array.from(values, (_, k) => {
    const [from, to] = [Math.max(0, k - (window >> 1)), Math.min(values.length, k + (window >> 1) + 1)]
    return (sums[to]! - sums[from]!) / (to - from)
  })
}
