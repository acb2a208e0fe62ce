import { MAD_TO_SIGMA, median, select } from '@nightpipe/math'

/** A flat as it comes from the detector or from reduction. */
export interface FlatFrame {
  width: number
  height: number
  pixels: Float32Array
  /** one sigma; not needed where the noise is told */
  error?: Float32Array
  noise?: FlatNoise
  /** not 0: do not use */
  mask: ArrayLike<number>
  /** fibres with light */
  lit: readonly number[]
}

/** The noise of a frame: variance = dark + perLight · level. */
export interface FlatNoise {
  dark: number
  perLight: number
}

export interface SummedFlat extends FlatNoise {
  width: number
  height: number
  pixels: Float32Array
  /** 1 where no frame has a good value */
  bad: Uint8Array
  lit: readonly number[]
  frames: number
  /** values that stood out of those of the other frames */
  rejected: number
}

/** Further off than this the value of one frame is a cosmic ray. */
const CLIP = 5
/** Differences between flats, as part of the light, that are none: the lamp flickers, the image drifts. */
const UNLIKE = 0.02

/** Flats with less than this part of the light of the brightest are none: the lamp was off, or going out. */
const LEAST_LIGHT = 0.2

/** Which of some flats have too little light beside the others. */
export function dimFlats(frames: readonly FlatFrame[]): boolean[] {
  const light = frames.map(lightOf)
  const most = Math.max(...light)
  return light.map((own) => !(own >= LEAST_LIGHT * most))
}

/** How far the brightest twentieth of the pixels stands above the darkest fifth. */
function lightOf({ pixels, mask }: FlatFrame): number {
  const step = Math.max(1, Math.floor(pixels.length / SAMPLE)) | 1
  const sample: number[] = []
  for (let p = 0; p < pixels.length; p += step)
    if (mask[p] === 0 && Number.isFinite(pixels[p]!)) sample.push(pixels[p]!)
  if (sample.length === 0) return 0
  return select(sample, Math.floor(0.95 * (sample.length - 1))) - select(sample, Math.floor(0.2 * (sample.length - 1)))
}

/**
 * Flats that light the same fibres as one: the mean, each scaled to the light of the first, without what stands out, and
 * without those that have hardly any light.
 */
export function sumFlats(all: readonly FlatFrame[]): SummedFlat {
  const dim = dimFlats(all)
  const frames = all.filter((_, k) => !dim[k])
  const [first] = frames
  if (!first) throw new RangeError('no flats to combine')
  const noise = first.noise ?? noiseOf(first)
  if (frames.length === 1) return { ...single(first), ...noise }
  const scales = frames.map((frame) => (frame === first ? 1 : scaleTo(first, frame)))
  const { width, height, lit } = first
  const length = width * height
  const pixels = new Float32Array(length)
  const bad = new Uint8Array(length)
  const values = new Float64Array(frames.length)
  const planes = frames.map((frame) => frame.pixels)
  const masks = frames.map(({ mask }) => mask)
  const { dark, perLight } = noise
  let rejected = 0
  for (let p = 0; p < length; p++) {
    let n = 0
    for (let k = 0; k < planes.length; k++) {
      const raw = planes[k]![p]!
      if (masks[k]![p] !== 0 || !(raw - raw === 0)) continue
      const value = raw * scales[k]!
      let at = n++
      for (; at > 0 && values[at - 1]! > value; at--) values[at] = values[at - 1]!
      values[at] = value
    }
    if (n === 0) {
      bad[p] = 1
      continue
    }
    const middle = values[(n - 1) >> 1]! // of two, the lower: cosmic rays add light
    const limit = CLIP * Math.sqrt(2 * (dark + perLight * Math.max(0, middle))) + UNLIKE * Math.abs(middle)
    let sum = 0
    let kept = 0
    for (let k = 0; k < n; k++) {
      if (Math.abs(values[k]! - middle) > limit) rejected++
      else {
        sum += values[k]!
        kept++
      }
    }
    pixels[p] = sum / kept
  }
  const count = frames.length
  return {
    width,
    height,
    pixels,
    bad,
    lit,
    frames: count,
    rejected,
    dark: noise.dark / count,
    perLight: noise.perLight / count,
  }
}

/** One flat alone. */
function single({ width, height, pixels, mask, lit }: FlatFrame): Omit<SummedFlat, keyof FlatNoise> {
  const copy = pixels.slice()
  const bad = new Uint8Array(pixels.length)
  for (let p = 0; p < pixels.length; p++) if (mask[p] !== 0 || Number.isNaN(copy[p]!)) bad[p] = 1
  return { width, height, pixels: copy, bad, lit, frames: 1, rejected: 0 }
}

/** Pixels that are looked at for the noise and the scale. */
const SAMPLE = 40000

/** Dark and bright pixels tell read noise and gain from the errors that the frame has. */
export function noiseOf({ pixels, error = new Float32Array(0), mask }: FlatFrame): FlatNoise {
  const step = Math.max(1, Math.floor(pixels.length / SAMPLE)) | 1
  const points: { level: number; variance: number }[] = []
  for (let p = 0; p < pixels.length; p += step) {
    if (mask[p] === 0 && error[p]! > 0 && Number.isFinite(pixels[p]!)) {
      points.push({ level: Math.max(0, pixels[p]!), variance: error[p]! ** 2 })
    }
  }
  if (points.length < 10) return { dark: 1, perLight: 0 }
  points.sort((a, b) => a.level - b.level)
  const tenth = Math.ceil(points.length / 10)
  const middle = (part: typeof points, of: 'level' | 'variance') => median(part.map((point) => point[of]))
  const [low, high] = [points.slice(0, tenth), points.slice(-tenth)]
  const rise = middle(high, 'level') - middle(low, 'level')
  const perLight = rise > 0 ? Math.max(0, (middle(high, 'variance') - middle(low, 'variance')) / rise) : 0
  const dark = middle(low, 'variance') - perLight * middle(low, 'level')
  return { dark: Math.max(dark, 1e-3 * middle(low, 'variance'), Number.MIN_VALUE), perLight }
}

/** What makes the bright pixels of a frame as bright as those of another. */
function scaleTo(fixed: FlatFrame, frame: FlatFrame): number {
  const step = Math.max(1, Math.floor(fixed.pixels.length / SAMPLE)) | 1
  const pairs: { level: number; ratio: number }[] = []
  for (let p = 0; p < fixed.pixels.length; p += step) {
    const [a, b] = [fixed.pixels[p]!, frame.pixels[p]!]
    if (fixed.mask[p] === 0 && frame.mask[p] === 0 && a > 0 && b > 0) pairs.push({ level: a, ratio: a / b })
  }
  pairs.sort((a, b) => b.level - a.level)
  const bright = pairs.slice(0, Math.max(1, pairs.length >> 4)).map(({ ratio }) => ratio)
  if (bright.length < 50) return 1
  const scale = median([...bright])
  const spread = MAD_TO_SIGMA * median(bright.map((ratio) => Math.abs(ratio - scale)))
  return spread < scale ? scale : 1
}
