import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import { robustStatistics, truncationFactor } from '@nightpipe/math'
import type { Amplifier, Geometry } from './geometry.js'
import { neighbourNoise, sampledRows } from './measure.js'
import { type Sampled, samplePair } from './sample.js'

/** Box, in pixels of a row sample, within which two flats are compared: small against their illumination. */
const BOX = 256
/** Beyond so many sigma of a box a pixel does not count, nor a box among its fellows. */
const CLIP = 4

/** A value with its standard error. */
export interface Measured {
  value: number
  error: number
}

export interface PairArgs {
  type: string
  frames: Sampled[]
  geometry: Geometry
  saturation?: number
  /** Flats: of each amplifier, and what of each frame's level is not light. */
  readNoiseAdu: number[]
  below: number[]
}

/** Photon transfer on two frames, for each amplifier: the read noise from biases, in ADU; the gain from flats. */
export function comparePair(args: PairArgs): (Measured | undefined)[] {
  const { type, frames, geometry, saturation, readNoiseAdu, below } = args
  return samplePair(frames, geometry, saturation, (samples) =>
    geometry.amplifiers.map(({ place }, k) => {
      const [a, b] = samples.map((sample) => partOf(sample, geometry, place))
      if (type === 'flat') return gainOfPair(a, b, readNoiseAdu[k], below)
      return readNoiseOfPair(a, b, place.x1 - place.x0)
    }),
  )
}

/** The sampled pixels of one amplifier. */
function partOf(
  sample: Float32Array,
  { width, height, amplifiers }: Geometry,
  place: Amplifier['place'],
): Float32Array {
  if (amplifiers.length === 1) return sample
  const rows = [...sampledRows(width, height).entries()].filter(([, y]) => y >= place.y0 && y < place.y1)
  const columns = place.x1 - place.x0
  const part = new Float32Array(rows.length * columns)
  for (const [to, [k]] of rows.entries()) {
    part.set(sample.subarray(k * width + place.x0, k * width + place.x1), to * columns)
  }
  return part
}

/**
 * Read noise in ADU from two biases (Janesick 2001, Scientific Charge-Coupled Devices, ch. 2): the deviation of their
 * difference over √2. What both have in common, the structure of the bias, drops out; neighbours in a row are compared,
 * so that a level that drifts from row to row does not count as noise.
 */
export function readNoiseOfPair(a: Float32Array, b: Float32Array, width: number): Measured {
  const value = neighbourNoise(a, width, b) / Math.SQRT2
  // The variance of n differences is known to √(2/n); as each pixel is in two of them, to √(3/n).
  return { value, error: (value * Math.sqrt(3 / Math.max(1, a.length))) / 2 }
}

/**
 * Gain in electrons per ADU from two flats (photon transfer of a pair). With each divided by its own level L over a
 * box, the pixels' response drops out of the difference and
 *   variance = (1/L1 + 1/L2) / gain + readNoise² (1/L1² + 1/L2²).
 * The gain of the pair is that of the mean variance of its boxes. `below` is what of the levels is not light: the bias.
 */
export function gainOfPair(
  a: Float32Array,
  b: Float32Array,
  readNoiseAdu: number,
  below: readonly number[] = [0, 0],
): Measured | undefined {
  const inverse = inverseGains(a, b, readNoiseAdu, below)
  if (inverse.length < 8) return undefined
  const { mean, sigma, count } = robustStatistics(inverse, { clip: CLIP })
  if (!(mean > 0)) return undefined
  return { value: 1 / mean, error: sigma / Math.sqrt(count) / mean ** 2 }
}

/** 1 / gain of each box of the pair that says something. */
function inverseGains(
  a: Float32Array,
  b: Float32Array,
  readNoiseAdu: number,
  [belowA, belowB]: readonly number[],
): Float32Array {
  return scoped(() => {
    const [first, second] = [lent(a), lent(b)]
    const scratch = allocate(Float32Array, BOX + 4112)
    const found = allocate(Float64Array, Math.max(1, Math.floor(a.length / BOX)))
    const pair = [first.byteOffset, second.byteOffset, a.length, BOX, belowA, belowB] as const
    const rules = [readNoiseAdu ** 2, CLIP, truncationFactor(CLIP)] as const
    const boxes = kernels().inverseGains(...pair, ...rules, scratch.byteOffset, found.byteOffset)
    return Float32Array.from(found.subarray(0, boxes))
  })
}

/**
 * What a chain of pairs says, each frame with the next: the mean weighted by the errors. Two pairs that share a frame
 * are correlated by a quarter, which makes the error of n of them larger by √(1 + (n-1) / 2n); where they scatter
 * more than their errors allow, the scatter counts. A pair of equal frames, copies of one, says nothing.
 */
export function meanOfChain(pairs: readonly (Measured | undefined)[]): Measured | undefined {
  const values = pairs.filter((pair) => pair !== undefined && pair.error > 0) as Measured[]
  if (values.length === 0) return undefined
  const weights = values.map(({ error }) => 1 / error ** 2)
  const weight = weights.reduce((sum, w) => sum + w, 0)
  const value = values.reduce((sum, v, k) => sum + weights[k] * v.value, 0) / weight
  const n = values.length
  const chi2 = values.reduce((sum, v, k) => sum + weights[k] * (v.value - value) ** 2, 0) / Math.max(1, n - 1)
  return { value, error: Math.sqrt(((1 + (n - 1) / (2 * n)) * Math.max(1, chi2)) / weight) }
}
