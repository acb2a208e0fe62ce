import { inRows, type SkyMap, sampleSky, skyAt } from '@nightpipe/image'
import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import { median, medianOf } from '@nightpipe/math'
import { CROWDED_WINDOW, type Measure, measureStar, type StarImage, WINDOW } from './measure-star.js'

/** What is asked of the brightest stars of a frame. */
export interface BrightOptions {
  /** At most so many (600). */
  most: number
  /** Peaks stand so far above the sky, in its sigma (6). */
  threshold: number
  /** A pixel from here on is saturated. */
  saturation?: number
  /** Electrons per unit of the frame: photon noise for the errors (1). */
  gain: number
  /** What `sampleSky` says of the image, where that is known already. */
  sky?: SkyMap
}

/** The brightest stars of a frame, the brightest first; pixels count from 0. */
export interface BrightStars {
  count: number
  /** Centroid in a Gaussian window, and its one-sigma error in each direction. */
  x: Float64Array
  y: Float64Array
  error: Float64Array
  /** In a circle of 1.7 seeing discs' radius about it, and its error. */
  flux: Float64Array
  fluxError: Float64Array
  fwhm: Float64Array
  /** 1: its core is saturated or masked, and the place is rough. */
  rough: Uint8Array
  /** Median full width at half maximum of the good ones, px; NaN without any. */
  seeing: number
  /** Median of 1 - b / a. */
  ellipticity: number
  sky: number
  skySigma: number
}

export interface BrightImage {
  pixels: Float32Array
  width: number
  height: number
  mask?: Int16Array
}

const DEFAULTS: BrightOptions = { most: 600, threshold: 6, gain: 1 }
/** Peaks that are looked at, for each star that is wanted. */
const CANDIDATES = 4
const CAPACITY = 1 << 16
/** A peak with less in its neighbours than this is one pixel, and no star. */
const SHARP = 0.12
/** Stars wider than this, px, are looked for in a smaller image: the noise makes many peaks of one of them. */
const WIDE = 6

/** A field is crowded from so many peaks in a circle of three seeing discs' radius on. */
const CROWDED = 0.4

/** Finds and measures the brightest stars of a frame, quickly: what registration needs, and the seeing. */
export function brightStars(image: BrightImage, options: Partial<BrightOptions> = {}): BrightStars {
  const wanted = { ...DEFAULTS, ...options }
  return scoped(() => {
    const pixels = lent(image.pixels)
    const mask = image.mask && lent(image.mask)
    const sky = wanted.sky ?? sampleSky(pixels, image.width, image.height, { mask: image.mask })
    const star: StarImage = { ...image, pixels, mask, sky, saturation: wanted.saturation, gain: wanted.gain }
    if (!Number.isFinite(sky.medianSigma)) return collect([], star)
    let peaks = withoutRows(findPeaks(star, sky, wanted.threshold, CANDIDATES * wanted.most), image.width)
    let seeing = widthOf(star, peaks)
    for (let factor = 2; seeing > WIDE && factor <= 8 && seeing > 3 * factor; factor *= 2) {
      const smaller = withoutRows(peaksOfBinned(star, factor, wanted), image.width)
      if (smaller.length === 0) break
      peaks = smaller
      seeing = widthOf(star, peaks)
    }
    if (!Number.isFinite(seeing)) return collect([], star)
    const crowd = (peaks.length * Math.PI * (3 * seeing) ** 2) / (image.width * image.height)
    const window = crowd > CROWDED ? CROWDED_WINDOW : WINDOW
    return collect(measureAll({ ...star, window }, peaks, seeing, wanted.most), star)
  })
}

/** Pixel numbers of the highest peaks above the sky, the highest first. */
function findPeaks(image: StarImage, sky: SkyMap, threshold: number, most: number): number[] {
  const { pixels, width, height } = image
  const list = allocate(Int32Array, CAPACITY)
  const limits = allocate(Float32Array, sky.level.length)
  let [sigmas, count] = [threshold, 0]
  for (let trial = 0; trial < 8; trial++, sigmas *= 2) {
    limits.set(sky.level.map((level, k) => level + sigmas * sky.sigma[k]))
    count = kernels().localPeaks(
      ...[pixels.byteOffset, width, height, limits.byteOffset, sky.tile, sky.columns],
      ...[3, list.byteOffset, CAPACITY],
    )
    // so many are noise, or too faint to be of use
    if (count <= CAPACITY) break
  }
  const peaks = list.subarray(0, Math.min(count, CAPACITY)).filter((p) => !isSharp(image, sky, p))
  const above = Float32Array.from(peaks, (p) => pixels[p] - skyAt(sky, sky.level, p % width, Math.floor(p / width)))
  const order = Int32Array.from(peaks, (_, k) => k).sort((i, j) => above[j] - above[i] || i - j)
  return Array.from(order.subarray(0, most), (k) => peaks[k])
}

/** One pixel that stands alone: hot, or of a cosmic ray. */
function isSharp({ pixels, width }: StarImage, sky: SkyMap, p: number): boolean {
  const level = skyAt(sky, sky.level, p % width, Math.floor(p / width))
  const limit = SHARP * (pixels[p] - level)
  const left = pixels[p - 1]
  const right = pixels[p + 1]
  const low = pixels[p - width]
  const high = pixels[p + width]
  if (Math.max(left, right) - level < limit || Math.max(low, high) - level < limit) return true
  return left + right + low + high - 4 * level < 2 * limit
}

/** Peaks that are not in a row with many others: those along a trail are no stars. */
function withoutRows(peaks: readonly number[], width: number): number[] {
  const x = Float64Array.from(peaks, (p) => p % width)
  const y = Float64Array.from(peaks, (p) => Math.floor(p / width))
  const rows = inRows({ x, y })
  return peaks.filter((_, k) => rows[k] === 0)
}

/** Median width at half maximum of the brightest peaks that are neither saturated nor masked; NaN without any. */
function widthOf(image: StarImage, peaks: readonly number[]): number {
  const widths: number[] = []
  for (const p of peaks) {
    const width = halfWidth(image, p)
    if (width > 0) widths.push(width)
    if (widths.length >= 150) break
  }
  return widths.length > 0 ? medianOf(widths) : Number.NaN
}

/** Full width at half maximum from where the profile falls to half in four directions; 0 where it does not. */
function halfWidth({ pixels, width, height, sky, saturation, mask }: StarImage, p: number): number {
  const [x, y] = [p % width, Math.floor(p / width)]
  const level = skyAt(sky, sky.level, x, y)
  const half = (pixels[p] - level) / 2
  if ((saturation !== undefined && pixels[p] >= saturation) || (mask && mask[p] !== 0)) return 0
  const reach: number[] = []
  for (const [step, room] of [
    [1, width - 1 - x],
    [-1, x],
    [width, height - 1 - y],
    [-width, y],
  ]) {
    let before = 2 * half
    for (let r = 1; r <= Math.min(room, 40); r++) {
      const value = pixels[p + r * step] - level
      if (value < half) {
        reach.push(r - 1 + (before - half) / (before - value))
        break
      }
      before = value
    }
  }
  if (reach.length < 4) return 0
  return median(Float64Array.from([reach[0] + reach[1], reach[2] + reach[3]]))
}

/** Peaks of the image with its pixels taken together, moved to the highest pixel of the full image nearby. */
function peaksOfBinned(image: StarImage, factor: number, { threshold, most }: BrightOptions): number[] {
  const { pixels, width, height } = image
  const small = { width: Math.floor(width / factor), height: Math.floor(height / factor) }
  if (small.width === 0 || small.height === 0) return []
  const placed = allocate(Float32Array, small.width * small.height)
  kernels().binMean(pixels.byteOffset, width, factor, small.width, small.height, placed.byteOffset)
  const sky = sampleSky(placed, small.width, small.height, {})
  if (!Number.isFinite(sky.medianSigma)) return []
  const found = findPeaks({ ...image, ...small, pixels: placed, mask: undefined }, sky, threshold, CANDIDATES * most)
  return found.map((p) => {
    const [x0, y0] = [factor * (p % small.width), factor * Math.floor(p / small.width)]
    let best = y0 * width + x0
    for (let y = y0; y < Math.min(height, y0 + factor); y++) {
      for (let x = x0; x < Math.min(width, x0 + factor); x++) {
        if (pixels[y * width + x] > pixels[best]) best = y * width + x
      }
    }
    return best
  })
}

/** Stars at the peaks, the brightest first, no two within a seeing disc. */
function measureAll(image: StarImage, peaks: readonly number[], seeing: number, most: number): Measure[] {
  const taken = new Map<number, Measure[]>()
  const cell = Math.max(2, seeing)
  const near = (one: Measure) => {
    const [i, j] = [Math.floor(one.x / cell), Math.floor(one.y / cell)]
    for (let v = -1; v <= 1; v++) {
      for (let u = -1; u <= 1; u++) {
        for (const other of taken.get((j + v) * 65536 + i + u) ?? []) {
          if (Math.hypot(other.x - one.x, other.y - one.y) < seeing) return true
        }
      }
    }
    return false
  }
  const stars: Measure[] = []
  for (const p of peaks) {
    if (stars.length >= most) break
    const star = measureStar(image, p, seeing)
    if (!star || near(star)) continue
    const key = Math.floor(star.y / cell) * 65536 + Math.floor(star.x / cell)
    taken.set(key, [...(taken.get(key) ?? []), star])
    stars.push(star)
  }
  return stars.sort((a, b) => b.flux - a.flux || a.y - b.y || a.x - b.x)
}

function collect(stars: readonly Measure[], { sky }: StarImage): BrightStars {
  const good = stars.filter(({ rough }) => !rough)
  const of = (value: (star: Measure) => number) => Float64Array.from(stars, value)
  const middle = (value: (star: Measure) => number) => (good.length > 0 ? medianOf(good.map(value)) : Number.NaN)
  return {
    count: stars.length,
    ...{ x: of((s) => s.x), y: of((s) => s.y), error: of((s) => s.error) },
    ...{ flux: of((s) => s.flux), fluxError: of((s) => s.fluxError), fwhm: of((s) => s.fwhm) },
    rough: Uint8Array.from(stars, ({ rough }) => (rough ? 1 : 0)),
    ...{ seeing: middle((s) => s.fwhm), ellipticity: middle((s) => s.ellipticity) },
    ...{ sky: sky.medianLevel, skySigma: sky.medianSigma },
  }
}
