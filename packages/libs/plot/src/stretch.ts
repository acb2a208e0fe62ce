/** The two levels between which an image is shown. */
export interface Cuts {
  low: number
  high: number
}

/** Values that the cuts are taken from. */
const SAMPLE = 10000

/**
 * Cuts of the zscale kind, as in IRAF's display and DS9: a line is fitted to the sorted values of a sample, outliers
 * clipped, and its slope, divided by the contrast, spans the range about the median. Faint structure shows, stars
 * saturate.
 */
export function zscale(pixels: ArrayLike<number>, contrast = 0.25): Cuts {
  const sorted = sortedSample(pixels)
  const n = sorted.length
  if (n === 0) return { low: 0, high: 1 }
  const [minimum, maximum] = [sorted[0], sorted[n - 1]]
  const middle = (n - 1) / 2
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
  const slope = clippedSlope(sorted)
  if (slope === undefined) return widened(minimum, maximum)
  const reach = (slope / contrast) * middle
  return widened(Math.max(minimum, median - reach), Math.min(maximum, median + reach))
}

/** Cuts at the given fractions of the sorted values. */
export function percentileCuts(pixels: ArrayLike<number>, low = 0.005, high = 0.995): Cuts {
  const sorted = sortedSample(pixels)
  if (sorted.length === 0) return { low: 0, high: 1 }
  const at = (fraction: number) => sorted[Math.round(fraction * (sorted.length - 1))]
  return widened(at(low), at(high))
}

const widened = (low: number, high: number): Cuts => (high > low ? { low, high } : { low: low - 0.5, high: high + 0.5 })

function sortedSample(pixels: ArrayLike<number>): Float64Array {
  const step = Math.max(1, Math.floor(pixels.length / SAMPLE)) | 1
  const values = new Float64Array(Math.ceil(pixels.length / step))
  let n = 0
  for (let k = 0; k < pixels.length; k += step) if (Number.isFinite(pixels[k])) values[n++] = pixels[k]
  return values.subarray(0, n).sort()
}

/** Slope of the sorted values against their rank, values beyond 2.5 sigma of the line left out; undefined when half are. */
function clippedSlope(sorted: Float64Array): number | undefined {
  let kept = Array.from(sorted.keys())
  let slope = 0
  for (let round = 0; round < 5; round++) {
    const meanX = kept.reduce((s, k) => s + k, 0) / kept.length
    const meanY = kept.reduce((s, k) => s + sorted[k], 0) / kept.length
    let [xx, xy] = [0, 0]
    for (const k of kept) {
      xx += (k - meanX) ** 2
      xy += (k - meanX) * (sorted[k] - meanY)
    }
    slope = xx > 0 ? xy / xx : 0
    const residual = (k: number) => sorted[k] - meanY - slope * (k - meanX)
    const sigma = Math.sqrt(kept.reduce((s, k) => s + residual(k) ** 2, 0) / kept.length)
    const next = kept.filter((k) => Math.abs(residual(k)) <= 2.5 * sigma)
    if (next.length < sorted.length / 2) return undefined
    if (next.length === kept.length) break
    kept = next
  }
  return slope
}

const ASINH_10 = Math.asinh(10)

export type Stretch = 'linear' | 'asinh' | 'log'

/** From a value to 0 … 1 between the cuts. asinh shows the sky linearly and compresses stars (Lupton et al. 2004). */
export function stretched(value: number, { low, high }: Cuts, stretch: Stretch): number {
  const x = Math.min(1, Math.max(0, (value - low) / (high - low)))
  if (stretch === 'asinh') return Math.asinh(10 * x) / ASINH_10
  if (stretch === 'log') return Math.log10(1 + 999 * x) / 3
  return x
}
