import { MaskBit, type SkyMap, skyAt } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'

/** A frame whose stars are measured. Pixels and mask lie in kernel memory (`lent`). */
export interface StarImage {
  pixels: Float32Array
  width: number
  height: number
  mask?: Int16Array
  sky: SkyMap
  saturation?: number
  gain: number
  /** Width of the window over that of a star; `WINDOW` when absent. */
  window?: number
}

export interface Measure {
  x: number
  y: number
  error: number
  flux: number
  fluxError: number
  fwhm: number
  ellipticity: number
  rough: boolean
}

/**
 * Width of the window of the centroid over that of a star. At √2 its error is 1.125 times the least possible one (that of
 * a fit of the true profile), for faint stars on a bright sky and for bright ones alike. A window as wide as the star has
 * 1.33 times the least on bright ones, but sees less of their neighbours: it serves where stars crowd.
 */
export const WINDOW = Math.SQRT2
export const CROWDED_WINDOW = 1
const FWHM_TO_SIGMA = 1 / (2 * Math.sqrt(2 * Math.LN2))
const ROUNDS = 12
/** Moves smaller than this, px, end the rounds. */
const STILL = 2e-4
const UNUSABLE = MaskBit.bad | MaskBit.saturated | MaskBit.cosmicRay | MaskBit.noData
/** No centroid is believed to be better than this, px: profiles, pixels and neighbours see to that. */
const FLOOR = 0.004

/** Measures the star whose highest pixel is `p`; undefined where there is none. */
export function measureStar(image: StarImage, p: number, seeing: number): Measure | undefined {
  const { pixels, width, height, mask, saturation, window = WINDOW } = image
  const [px, py] = [p % width, Math.floor(p / width)]
  const reach = Math.ceil(Math.max(2, 1.7 * seeing))
  if (px < reach || py < reach || px >= width - reach || py >= height - reach) return undefined
  const level = localSky(image, px, py, seeing)
  const sigma = seeing * FWHM_TO_SIGMA * window
  let rough = false
  for (let v = -1; v <= 1; v++) {
    for (let u = -1; u <= 1; u++) {
      const q = p + v * width + u
      if (mask && (mask[q] & UNUSABLE) !== 0) rough = true
      if (saturation !== undefined && pixels[q] >= saturation) rough = true
    }
  }
  const centre = scoped(() => centroid(image, px, py, reach, sigma, level))
  if (!centre || Math.hypot(centre.x - px, centre.y - py) > Math.max(1.5, 0.7 * seeing)) return undefined
  const { x, y, error, xx, yy, xy } = centre
  const { flux, fluxError } = circle(image, x, y, 1.7 * seeing, level)
  if (!(flux > 0)) return undefined
  // moments within the window are those of the product of star and window
  const spread = Math.sqrt((xx - yy) ** 2 / 4 + xy ** 2)
  const unwindow = (m: number) => 1 / Math.max(1e-6, 1 / Math.max(m, 1e-6) - 1 / sigma ** 2)
  const [long, short] = [unwindow((xx + yy) / 2 + spread), unwindow((xx + yy) / 2 - spread)]
  const wide = Math.sqrt(Math.sqrt(long * short)) / FWHM_TO_SIGMA
  const fwhm = Number.isFinite(wide) ? Math.min(wide, 5 * seeing) : seeing
  return {
    ...{ x, y, flux, fluxError, fwhm, ellipticity: Math.max(0, 1 - Math.sqrt(short / long)), rough },
    error: rough ? Math.max(0.3, error) : Math.hypot(error, FLOOR),
  }
}

/** Pixels of a ring that are looked at: as many as there may be, and fewer say nothing. */
const RING = 4096
const FEWEST = 12

/** The sky about a star: the median of a ring, or that of the map where neighbours crowd it. */
export function localSky({ pixels, width, height, sky }: StarImage, px: number, py: number, seeing: number): number {
  const map = skyAt(sky, sky.level, px, py)
  const [inner, outer] = [Math.max(4, 2.5 * seeing), Math.max(7, 4 * seeing)]
  const step = Math.max(1, Math.round(outer / 6))
  const level = scoped(() => {
    const values = allocate(Float64Array, RING).byteOffset
    return kernels().ringMedian(
      ...([pixels.byteOffset, width, height, px, py, inner, outer, step, FEWEST, values, RING] as const),
    )
  })
  return Number.isNaN(level) || level > map + 3 * skyAt(sky, sky.sigma, px, py) ? map : level
}

interface Centre {
  x: number
  y: number
  error: number
  xx: number
  yy: number
  xy: number
}

/**
 * The place about which a Gaussian window is balanced (as XWIN of SExtractor), its error, and the moments there.
 */
function centroid(
  image: StarImage,
  px: number,
  py: number,
  reach: number,
  sigma: number,
  level: number,
): Centre | undefined {
  const { pixels, width, height, sky, gain, mask } = image
  const radius = Math.max(reach, Math.ceil(3 * sigma))
  const [x0, x1] = [Math.max(0, px - radius), Math.min(width - 1, px + radius)]
  const [y0, y1] = [Math.max(0, py - radius), Math.min(height - 1, py + radius)]
  const [wx, wy] = [allocate(Float64Array, x1 - x0 + 1), allocate(Float64Array, y1 - y0 + 1)]
  const sums = allocate(Float64Array, 7)
  const noise = skyAt(sky, sky.sigma, px, py) ** 2
  const { noData, cosmicRay } = MaskBit
  let [x, y] = [px, py]
  const answer: Centre = { x, y, error: 0, xx: 0, yy: 0, xy: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    windowAlong(wx, x0, x, sigma)
    windowAlong(wy, y0, y, sigma)
    kernels().windowSums(
      ...([pixels.byteOffset, mask?.byteOffset ?? 0, noData | cosmicRay, width, x0, x1, y0, y1, x, y] as const),
      ...([level, noise, gain, wx.byteOffset, wy.byteOffset, sums.byteOffset] as const),
    )
    const sum = sums[0]
    if (!(sum > 0)) return undefined
    // how far the balance moves when the star does: 1 for a narrow star, half for one as wide as the window
    const answerOfWindow = Math.max(0.2, 1 - (sums[3] + sums[4]) / (2 * sum * sigma ** 2))
    const moveX = sums[1] / sum / answerOfWindow
    const moveY = sums[2] / sum / answerOfWindow
    answer.xx = sums[3] / sum
    answer.yy = sums[4] / sum
    answer.xy = sums[5] / sum
    answer.error = Math.sqrt(sums[6] / 2) / (sum * answerOfWindow)
    x += Math.max(-1, Math.min(1, moveX))
    y += Math.max(-1, Math.min(1, moveY))
    if (!(Math.hypot(x - px, y - py) < radius)) return undefined
    if (Math.hypot(moveX, moveY) < STILL) break
  }
  return { ...answer, x, y }
}

/** A Gaussian about `centre` at pixels from `first` on. */
function windowAlong(weights: Float64Array, first: number, centre: number, sigma: number): void {
  for (let k = 0; k < weights.length; k++) weights[k] = Math.exp(-((first + k - centre) ** 2) / (2 * sigma ** 2))
}

/** What is in a circle: pixels on its edge count by the part of their diameter that lies within. */
export const circle = (image: StarImage, x: number, y: number, radius: number, level: number): CircleFlux =>
  circles(image, x, y, [radius], level)[0]

export interface CircleFlux {
  flux: number
  fluxError: number
}

/** Likewise in circles about one place, the widest last; all NaN where a pixel of the widest is. */
export function circles(
  { pixels, width, height, sky, gain }: StarImage,
  x: number,
  y: number,
  radii: readonly number[],
  level: number,
): CircleFlux[] {
  const n = radii.length
  return scoped(() => {
    const [limits, sums] = [allocate(Float64Array, n), allocate(Float64Array, 2 * n)]
    limits.set(radii)
    const isKnown = kernels().circleLight(
      ...([pixels.byteOffset, width, height, x, y, limits.byteOffset, n] as const),
      ...([level, skyAt(sky, sky.sigma, x, y) ** 2, gain, sums.byteOffset] as const),
    )
    return radii.map((_, j) => ({
      flux: isKnown ? sums[j] : Number.NaN,
      fluxError: isKnown ? Math.sqrt(sums[n + j]) : Number.NaN,
    }))
  })
}
