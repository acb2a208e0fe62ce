import { MAD_TO_SIGMA, median } from '@nightpipe/math'

/**
 * What lies between emission lines: in windows that overlap by half, the median of the pixels left when those far above it are set
 * aside again and again; straight lines between the middles of the windows. `noise` is the scatter of what was left.
 */
export function lineBackground(
  flux: ArrayLike<number>,
  usable: (x: number) => boolean,
  window: number,
): { level: Float64Array; noise: Float64Array } {
  const n = flux.length
  const windows = Math.max(1, Math.round((2 * n) / window) - 1)
  const half = n / (windows + 1)
  const scratch = new Float64Array(Math.ceil(2 * half) + 2)
  const levels = new Float64Array(windows)
  const noises = new Float64Array(windows)
  for (let w = 0; w < windows; w++) {
    let count = 0
    const from = Math.floor(w * half)
    const to = Math.min(n, Math.ceil((w + 2) * half))
    for (let x = from; x < to; x++) if (usable(x)) scratch[count++] = flux[x]
    const { centre, sigma } = quietest(scratch, count)
    levels[w] = centre
    noises[w] = sigma
  }
  fillGaps(levels, noises)
  const between = (values: Float64Array) =>
    new Float64Array(n).map((_, x) => {
      const at = Math.min(windows - 1, Math.max(0, x / half - 1))
      const left = Math.min(windows - 1, Math.floor(at))
      const right = Math.min(windows - 1, left + 1)
      return values[left] + (at - left) * (values[right] - values[left])
    })
  return { level: between(levels), noise: between(noises) }
}

/** Median and scatter of the pixels without the bright ones; reorders `values`. The scatter is that of the lower half: lines lie above. */
function quietest(values: Float64Array, given: number): { centre: number; sigma: number } {
  let count = given
  let centre = Number.NaN
  let sigma = Number.NaN
  const below = new Float64Array(given)
  for (let round = 0; round < 8 && count > 4; round++) {
    centre = median(values, count)
    let lower = 0
    for (let k = 0; k < count; k++) if (values[k] <= centre) below[lower++] = centre - values[k]
    sigma = MAD_TO_SIGMA * median(below, lower)
    let kept = 0
    for (let k = 0; k < count; k++) if (values[k] <= centre + 3 * sigma) values[kept++] = values[k]
    if (kept === count) break
    count = kept
  }
  return { centre, sigma }
}

/** Windows without pixels take what the nearest other one has; 0 where there is none at all. */
function fillGaps(levels: Float64Array, noises: Float64Array): void {
  const good = [...levels.keys()].filter((w) => Number.isFinite(levels[w]))
  for (let w = 0; w < levels.length; w++) {
    if (Number.isFinite(levels[w])) continue
    const nearest = good.reduce((best, g) => (Math.abs(g - w) < Math.abs(best - w) ? g : best), good[0] ?? -1)
    levels[w] = nearest < 0 ? 0 : levels[nearest]
    noises[w] = nearest < 0 ? 0 : noises[nearest]
  }
}
