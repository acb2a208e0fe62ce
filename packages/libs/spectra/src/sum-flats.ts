import { allocate, kernels, scoped } from '@nightpipe/kernels'
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
  const sample = new Float64Array(Math.ceil(pixels.length / step))
  let n = 0
  for (let p = 0; p < pixels.length; p += step)
    if (mask[p] === 0 && Number.isFinite(pixels[p]!)) sample[n++] = pixels[p]!
  if (n === 0) return 0
  return select(sample, Math.floor(0.95 * (n - 1)), n) - select(sample, Math.floor(0.2 * (n - 1)), n)
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
  const count = frames.length
  return {
    ...{ width, height, lit, frames: count },
    ...meanOf(frames, scales, noise),
    ...{ dark: noise.dark / count, perLight: noise.perLight / count },
  }
}

/** Pixels that are combined at once. */
const CHUNK = 65536

/** The mean of frames, each times its scale, without values that stand out of those of the others. */
function meanOf(
  frames: readonly FlatFrame[],
  scales: readonly number[],
  { dark, perLight }: FlatNoise,
): Pick<SummedFlat, 'pixels' | 'bad' | 'rejected'> {
  const count = frames.length
  const length = frames[0]!.pixels.length
  const [pixels, bad] = [new Float32Array(length), new Uint8Array(length)]
  let rejected = 0
  scoped(() => {
    const planes = frames.map(() => allocate(Float32Array, CHUNK))
    const masks = frames.map(() => allocate(Int16Array, CHUNK))
    const addresses = [planes, masks].map((all) => {
      const list = allocate(Uint32Array, count)
      all.forEach(({ byteOffset }, k) => {
        list[k] = byteOffset
      })
      return list.byteOffset
    }) as [number, number]
    const [factors, scratch] = [allocate(Float64Array, count), allocate(Float64Array, count)]
    factors.set(scales)
    const [mean, none] = [allocate(Float32Array, CHUNK), allocate(Uint8Array, CHUNK)]
    for (let from = 0; from < length; from += CHUNK) {
      const n = Math.min(CHUNK, length - from)
      frames.forEach((frame, k) => {
        planes[k]!.set(frame.pixels.subarray(from, from + n))
        copyMask(frame.mask, from, n, masks[k]!)
      })
      const noise = [dark, perLight, CLIP, UNLIKE] as const
      const into = [mean.byteOffset, none.byteOffset, scratch.byteOffset] as const
      rejected += kernels().sumPlanes(...addresses, factors.byteOffset, count, n, ...noise, ...into)
      pixels.set(mean.subarray(0, n), from)
      bad.set(none.subarray(0, n), from)
    }
  })
  return { pixels, bad, rejected }
}

function copyMask(mask: ArrayLike<number>, from: number, n: number, out: Int16Array): void {
  if (mask instanceof Int16Array) out.set(mask.subarray(from, from + n))
  else for (let p = 0; p < n; p++) out[p] = mask[from + p] === 0 ? 0 : 1
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
  const most = Math.ceil(pixels.length / step)
  const [level, variance] = [new Float64Array(most), new Float64Array(most)]
  let n = 0
  for (let p = 0; p < pixels.length; p += step) {
    if (mask[p] !== 0 || !(error[p]! > 0 && Number.isFinite(pixels[p]!))) continue
    level[n] = Math.max(0, pixels[p]!)
    variance[n++] = error[p]! ** 2
  }
  if (n < 10) return { dark: 1, perLight: 0 }
  const tenth = Math.ceil(n / 10)
  const sorted = level.slice(0, n).sort()
  const [low, high] = [sorted[tenth - 1]!, sorted[n - tenth]!]
  const [darkest, brightest] = [median(sorted.subarray(0, tenth)), median(sorted.subarray(n - tenth))]
  const varianceWhere = (holds: (value: number) => boolean) =>
    median(variance.subarray(0, n).filter((_, k) => holds(level[k]!)))
  const [faint, bright] = [varianceWhere((value) => value <= low), varianceWhere((value) => value >= high)]
  const rise = brightest - darkest
  const perLight = rise > 0 ? Math.max(0, (bright - faint) / rise) : 0
  const dark = faint - perLight * darkest
  return { dark: Math.max(dark, 1e-3 * faint, Number.MIN_VALUE), perLight }
}

/** What makes the bright pixels of a frame as bright as those of another. */
function scaleTo(fixed: FlatFrame, frame: FlatFrame): number {
  const step = Math.max(1, Math.floor(fixed.pixels.length / SAMPLE)) | 1
  const most = Math.ceil(fixed.pixels.length / step)
  const [level, ratio] = [new Float64Array(most), new Float64Array(most)]
  let n = 0
  for (let p = 0; p < fixed.pixels.length; p += step) {
    const [a, b] = [fixed.pixels[p]!, frame.pixels[p]!]
    if (fixed.mask[p] !== 0 || frame.mask[p] !== 0 || !(a > 0 && b > 0)) continue
    level[n] = a
    ratio[n++] = a / b
  }
  if (n === 0) return 1
  const least = select(level.slice(0, n), n - Math.max(1, n >> 4))
  const bright = ratio.subarray(0, n).filter((_, k) => level[k]! >= least)
  if (bright.length < 50) return 1
  const scale = median(bright.slice())
  const spread = MAD_TO_SIGMA * median(bright.map((ratio) => Math.abs(ratio - scale)))
  return spread < scale ? scale : 1
}
