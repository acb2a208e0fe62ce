import { MAD_TO_SIGMA, median } from '@nightpipe/math'
import { type DetectorNoise, type NoiseModel, noiseModel } from './noise.js'

export interface CombineOptions {
  /**
   * `median`; `mean`; `sigma`: mean of the samples near the median; `minmax`: mean without the extremes; `weighted`: mean
   * weighted by `weights`, or by 1 / error².
   */
  method: 'median' | 'mean' | 'sigma' | 'minmax' | 'weighted'
  /** `sigma`: samples further than this below and above the median are set aside, in sigma (3). */
  clipLow?: number
  clipHigh?: number
  /** `sigma`: at most so many rounds (5). */
  iterations?: number
  /**
   * What noise a sample has, in the unit of the planes before `scale`. The clip then measures in this sigma, and without
   * `errors` the error of the result comes from it. Without a model the clip uses the MAD of the few samples of a pixel,
   * which is itself noisy: `measureNoise` finds the model from the planes.
   */
  noise?: NoiseModel | DetectorNoise
  /** A level per plane that was subtracted before and whose photons are still noise: the sky. Unit of the planes. */
  background?: readonly number[]
  /** Each plane is taken as (value - offset) * scale. */
  scale?: readonly number[]
  offset?: readonly number[]
  /** Weight per plane for `mean`, `sigma` and `weighted`. */
  weights?: readonly number[]
  /** `minmax`: how many of the lowest and highest samples are left out (1, 1). */
  lowest?: number
  highest?: number
  /** One-sigma error of each plane's pixels, in the unit of the planes: then the error of the result comes from it. */
  errors?: readonly Float32Array[]
  /** Mask of each plane, and the bits that set a sample aside (all). */
  masks?: readonly (Int16Array | undefined)[]
  maskBits?: number
}

export interface Combined {
  pixels: Float32Array
  /** One sigma of `pixels`. */
  error?: Float32Array
  /** How many samples each pixel is made of. */
  count?: Int16Array | Uint16Array
}

/**
 * Pixel by pixel, planes of one size made into one. NaN and masked samples are left out; a pixel with none left is NaN,
 * with count 0. The error is that of the kept samples: from `errors`, else from `noise`, else from their scatter (which
 * is itself uncertain by 1/sqrt(2n): 24 % for ten).
 */
export function combinePlanes(planes: readonly Float32Array[], options: CombineOptions, out: Combined): Combined {
  const n = planes.length
  if (n === 0) throw new RangeError('no planes to combine')
  const sample = new Float64Array(n)
  const variance = new Float64Array(n)
  const weight = new Float64Array(n)
  const scratch = new Float64Array(n)
  const model = options.noise && noiseModel(options.noise)
  for (let p = 0; p < out.pixels.length; p++) {
    let m = 0
    for (let k = 0; k < n; k++) {
      const value = (planes[k][p] - (options.offset?.[k] ?? 0)) * (options.scale?.[k] ?? 1)
      const bits = (options.masks?.[k]?.[p] ?? 0) & (options.maskBits ?? -1)
      if (Number.isNaN(value) || bits !== 0) continue
      sample[m] = value
      const error = (options.errors?.[k][p] ?? Number.NaN) * (options.scale?.[k] ?? 1)
      variance[m] = error * error
      weight[m++] = options.weights?.[k] ?? 1
    }
    const kept = options.method === 'sigma' ? clip(sample, variance, weight, m, scratch, options, model) : m
    let value = Number.NaN
    if (options.method === 'median') {
      for (let k = 0; k < kept; k++) scratch[k] = sample[k]
      value = median(scratch, kept)
    } else {
      let total = 0
      let weights = 0
      for (let k = 0; k < kept; k++) {
        const w = options.method === 'weighted' && !options.weights ? 1 / variance[k] : weight[k]
        total += w * sample[k]
        weights += w
      }
      value = total / weights
    }
    out.pixels[p] = value
    if (out.count) out.count[p] = kept
    if (out.error) {
      let squares = 0
      let weights = 0
      for (let k = 0; k < kept; k++) {
        squares += options.errors ? variance[k] : model ? model.variance0 + model.variancePerUnit * value : 0
        weights += (sample[k] - value) ** 2
      }
      out.error[p] = options.errors || model ? Math.sqrt(squares) / kept : Math.sqrt(weights / (kept - 1) / kept)
    }
  }
  return out
}

function clip(
  sample: Float64Array,
  variance: Float64Array,
  weight: Float64Array,
  start: number,
  scratch: Float64Array,
  options: CombineOptions,
  model?: NoiseModel,
): number {
  const { clipLow = 3, clipHigh = 3, iterations = 5 } = options
  let n = start
  for (let round = 0; round < iterations; round++) {
    for (let k = 0; k < n; k++) scratch[k] = sample[k]
    const centre = median(scratch, n)
    for (let k = 0; k < n; k++) scratch[k] = Math.abs(sample[k] - centre)
    const spread = MAD_TO_SIGMA * median(scratch, n)
    let kept = 0
    for (let k = 0; k < n; k++) {
      const known = model
        ? Math.sqrt(model.variance0 + model.variancePerUnit * Math.max(0, centre))
        : Math.sqrt(variance[k])
      const sigma = Number.isNaN(known) ? spread : known
      if (sample[k] < centre - clipLow * sigma || sample[k] > centre + clipHigh * sigma) continue
      sample[kept] = sample[k]
      variance[kept] = variance[k]
      weight[kept++] = weight[k]
    }
    if (kept === n) break
    n = kept
  }
  return n
}
