import { median } from '@nightpipe/math'
import { type CosmicWork, State } from './cosmic-work.js'
import { inRows } from './rows-of-points.js'
import { skyAt } from './sky-map.js'

/** The four pairs of opposite neighbours: columns and rows that lead to one of each. */
export const DIRECTIONS = [
  [1, 0],
  [0, 1],
  [1, 1],
  [1, -1],
] as const

/**
 * How sharp the stars of a frame are: for each direction the smallest fraction of a star's central pixel that the
 * geometric mean of the two neighbours reaches. For a Gaussian image it is exp(-1 / 2σ²) along the axes, whatever the
 * place of the star within its pixel; the arithmetic mean is never below it.
 */
export interface StarSharpness {
  ratio: [number, number, number, number]
  /** Stars it was measured on; 0 when it was given, or assumed. */
  stars: number
}

/** A peak must stand this far above the sky to be measured, in sigma. */
const PEAK_SIGMA = 25
/** Fewer stars than this do not tell what a star looks like. */
const FEWEST = 5
/** Of the stars measured, the sharpness that this fraction does not exceed is taken. */
const FRACTION = 0.8
/** The sharpest image that optics and sampling ordinarily give, for frames that show no stars, px. */
export const SHARPEST_FWHM = 1.8

/** -ln of the ratios along both axes, for stars of a FWHM of 1.36 px: what is sharper is no star. */
const SHARPEST_SUM = 3

/** The sharpness of round Gaussian stars. */
export function sharpnessOf(fwhm: number): StarSharpness {
  const axis = Math.exp((-4 * Math.LN2) / (fwhm * fwhm))
  return { ratio: [axis, axis, axis * axis, axis * axis], stars: 0 }
}

/** The FWHM of round Gaussian stars as sharp as this, px. */
export function fwhmOf({ ratio }: StarSharpness): number {
  const along = -(Math.log(ratio[0]) + Math.log(ratio[1])) / 2
  return Math.sqrt((4 * Math.LN2) / along)
}

/** Measures the stars of a frame; undefined when there are too few to tell. */
export function measureSharpness(work: CosmicWork): StarSharpness | undefined {
  const peaks = starPeaks(work)
  // -ln of the ratios adds up: for any elliptical Gaussian those of the diagonals are twice those of the axes.
  const likely = peaks.filter(([a, b, c, d]) => {
    const along = a + b
    const elliptical = c + d > 1.4 * along && c + d < 2.6 * along
    return along > 0 && along < SHARPEST_SUM && elliptical && Math.abs(a - b) < 0.6 * along
  })
  if (likely.length < FEWEST) return undefined
  const common = halfSampleMode(likely.map(([a, b]) => a + b))
  const stars = likely.filter(([a, b]) => Math.abs(a + b - common) < 0.4 * common)
  if (stars.length < FEWEST) return undefined
  const ratio = DIRECTIONS.map((_, d) => {
    const sorted = stars.map((star) => star[d]).sort((a, b) => a - b)
    return Math.min(1, Math.exp(-sorted[Math.floor(FRACTION * (sorted.length - 1))]))
  })
  return { ratio: ratio as StarSharpness['ratio'], stars: stars.length }
}

type Logs = [number, number, number, number]

/** -ln of the four ratios at every bright local maximum of 5 x 5 pixels that is neither saturated nor on a trail. */
function starPeaks(work: CosmicWork): Logs[] {
  const { pixels, error, width, height, state, sky } = work
  const peaks: Logs[] = []
  const places: { x: number[]; y: number[] } = { x: [], y: [] }
  const floor = Math.min(...sky.level) + PEAK_SIGMA * Math.min(...sky.sigma)
  for (let y = 2; y < height - 2; y++) {
    for (let x = 2; x < width - 2; x++) {
      const p = y * width + x
      const value = pixels[p]
      // the cheap tests first: nearly all pixels fail them
      if (!(value > floor && value > pixels[p - 1] && value > pixels[p - width])) continue
      if (state[p] !== 0 || !isPeak(pixels, width, p)) continue
      const level = skyAt(sky, sky.level, x, y)
      if (!(value - level > PEAK_SIGMA * error[p])) continue
      const logs = DIRECTIONS.map(([dx, dy]) => {
        const step = dy * width + dx
        const product = (pixels[p + step] - level) * (pixels[p - step] - level)
        return pixels[p + step] > level && product > 0 ? -0.5 * Math.log(product / (value - level) ** 2) : Number.NaN
      }) as Logs
      if (!logs.every(Number.isFinite)) continue
      peaks.push(logs)
      places.x.push(x)
      places.y.push(y)
    }
  }
  const rows = inRows(places)
  return peaks.filter((_, k) => rows[k] === 0)
}

function isPeak(pixels: Float32Array, width: number, p: number): boolean {
  for (let v = -2; v <= 2; v++) {
    for (let u = -2; u <= 2; u++) if (pixels[p + v * width + u] > pixels[p]) return false
  }
  return true
}

/** The mode by halving: of the sorted values the densest half, and so on (Bickel & Frühwirth 2006, CSDA 50, 3500). */
function halfSampleMode(values: readonly number[]): number {
  let sample = [...values].sort((a, b) => a - b)
  while (sample.length > 3) {
    const half = Math.ceil(sample.length / 2)
    let best = 0
    for (let k = 0; k + half <= sample.length; k++) {
      if (sample[k + half - 1] - sample[k] < sample[best + half - 1] - sample[best]) best = k
    }
    sample = sample.slice(best, best + half)
  }
  return sample[sample.length >> 1]
}

/** A pixel's neighbours in a direction, the edge pixel repeated beyond the edge. */
function neighbour(work: CosmicWork, x: number, y: number, dx: number, dy: number): number {
  const u = Math.min(work.width - 1, Math.max(0, x + dx))
  const v = Math.min(work.height - 1, Math.max(0, y + dy))
  return v * work.width + u
}

const ring = new Float64Array(8)

/**
 * What stands at a neighbour. In the core of a star the median that a pixel was repaired with is too low, and makes the
 * pixels beside it look sharp: there the median of those that touch it says more.
 */
function valueBeside({ pixels, state, width, height }: CosmicWork, p: number): number {
  const repaired = State.unusable | State.flagged
  if ((state[p] & repaired) === 0) return pixels[p]
  const x = p % width
  const y = (p - x) / width
  let n = 0
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
      const q = v * width + u
      if ((state[q] & repaired) !== 0) continue
      ring[n++] = pixels[q]
    }
  }
  return n > 0 ? Math.max(pixels[p], median(ring, n)) : pixels[p]
}

/**
 * True when a pixel is sharper than any star: in some direction the mean of its two neighbours, taken `margin` of their
 * noise higher, is under `contrast` times what a star would give them, the pixel itself being `margin` of its noise lower.
 */
export function sharperThanStars(
  work: CosmicWork,
  p: number,
  { ratio }: StarSharpness,
  contrast: number,
  margin: number,
): boolean {
  const { pixels, error, width, sky } = work
  const x = p % width
  const y = (p - x) / width
  const level = skyAt(sky, sky.level, x, y)
  const peak = pixels[p] - level - margin * error[p]
  for (let d = 0; d < 4; d++) {
    const [dx, dy] = DIRECTIONS[d]
    const a = neighbour(work, x, y, dx, dy)
    const b = neighbour(work, x, y, -dx, -dy)
    const mean = (valueBeside(work, a) + valueBeside(work, b)) / 2 - level
    const noise = Math.sqrt(error[a] * error[a] + error[b] * error[b]) / 2
    if (mean + margin * noise < contrast * ratio[d] * peak) return true
  }
  return false
}
