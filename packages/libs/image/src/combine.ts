import { inKernelMemory, inStrips, kernels, type Lent, scoped } from '@nightpipe/kernels'
import { type Combination, fillJob, type Job } from './combine-job.js'
import { type DetectorNoise, type NoiseModel, noiseModel } from './noise.js'
import { isRaw, type Plane, planeLength } from './raw-plane.js'

export interface CombineOptions {
  /**
   * `median`; `mean`; `sigma`: mean of the samples near the median; `minmax`: mean without the extremes; `weighted`: mean
   * weighted by `weights`, or by 1 / error².
   */
  method: 'median' | 'mean' | 'sigma' | 'minmax' | 'weighted'
  /**
   * `sigma`: samples further than this below and above the median are set aside, in sigma (4). On clean noise a clip at 3
   * already costs 2 % (the tails that it cuts off move the mean), at 4 it costs 0.1 %.
   */
  clipLow?: number
  clipHigh?: number
  /** `sigma`: at most so many rounds: 5, but 1 without noise or errors, as each round shrinks the MAD of few samples. */
  iterations?: number
  /**
   * What noise a sample has, in the unit of the planes before `scale`. The clip then measures in this sigma, and without
   * `errors` the error of the result comes from it. Without a model the clip uses `errors`, and without those the MAD of
   * the few samples of a pixel, which is itself noisy: `measureNoise` finds the model from the planes. One for all planes,
   * or one for each.
   */
  noise?: NoiseModel | DetectorNoise | readonly NoiseModel[]
  /** A level per plane that was subtracted before and whose photons are still noise: the sky. Unit of the planes. */
  background?: readonly number[]
  /** Each plane is taken as (value - offset) * scale. */
  scale?: readonly number[]
  offset?: readonly number[]
  /** What samples may differ by besides noise, relative to the value: a clip allows for it, no error comes of it (0). */
  tolerance?: number
  /** `median`, `minmax`: samples may differ by so much of the value besides noise, and the error tells what that does to it (0). */
  unlike?: number
  /** `sigma`, with `noise`: a sigma of each pixel, in the unit of the result, that the clip adds to that of the noise. */
  allowance?: Float32Array
  /** Subtracted from every plane before its scale: a master bias, and a master dark times `darkScale` of the plane (1). */
  bias?: Float32Array
  dark?: Float32Array
  darkScale?: readonly number[]
  /** Samples at or above this, as the plane has them, are left out: saturated ones. Per plane. */
  ceiling?: readonly number[]
  /** Parts of the result that are made each with other offsets, from planes of rows that may be longer. */
  regions?: readonly CombineRegion[]
  /** Weight per plane for `mean`, `sigma` and `weighted`. */
  weights?: readonly number[]
  /** `minmax`: how many of the lowest and highest samples are left out (1, 1); a pixel with too few has its median. */
  lowest?: number
  highest?: number
  /** One-sigma error of each plane's pixels, in the unit of the planes: then the error of the result comes from it. */
  errors?: readonly Float32Array[]
  /** Mask of each plane, and the bits that set a sample aside (all). */
  masks?: readonly (Int16Array | undefined)[]
  maskBits?: number
}

/**
 * A run of pixels of the result, and where in the planes its first one is: the data of one amplifier in one row, say.
 * All arrays must then lie in kernel memory, and there are neither masks nor errors.
 */
export interface CombineRegion {
  /** First pixel of the result, first pixel in the planes, number of pixels. */
  to: number
  from: number
  count: number
  /** In the place of `offset`. */
  offset: readonly number[]
}

export interface Combined {
  pixels: Float32Array
  /** One sigma of `pixels`. */
  error?: Float32Array
  /** How many samples each pixel is made of. */
  count?: Int16Array | Uint16Array
}

/**
 * Pixel by pixel, planes of one size made into one. Samples that are not finite or masked are left out; a pixel with
 * none left is NaN, with count 0. Where a clip would leave nothing (two samples that exclude each other) the lower camp
 * stays: cosmic rays only add. The error is that of the kept samples: from `errors`, else from `noise`, else from
 * their scatter, which is itself uncertain by 1/sqrt(2n): 24 % for ten. Arrays in kernel memory are used where they lie.
 * Each pixel depends on its own samples only, so that strips give what the whole would. Values beyond 1e19, whose squares
 * float32 cannot hold, are outliers to any clip and have no useful error.
 */
export function combinePlanes(planes: readonly Plane[], options: CombineOptions, out: Combined): Combined {
  check(planes, options, out)
  const combination: Combination = { planes, options, noise: noiseOf(options.noise), out }
  const read = (array: Lent['array'], each = 1): Lent => ({ array, use: 'read', each })
  const lentPlanes = planes.map((plane) => (isRaw(plane) ? read(plane.bytes, 2) : read(plane)))
  const lentErrors = (options.errors ?? []).map((error) => read(error))
  const lentMasks = planes.map((_, k) => options.masks?.[k]).map((mask) => mask && read(mask))
  const lentMasters = [options.bias, options.dark].map((master) => master && read(master))
  const lentAllowance = options.allowance && read(options.allowance)
  const lentOut = [out.pixels, out.error, out.count].map((array): Lent | undefined => array && { array, use: 'write' })
  const all = [...lentPlanes, ...lentErrors, ...lentMasks, ...lentMasters, lentAllowance, ...lentOut]
  const lent = all.filter((one) => one !== undefined)
  const address = (one?: Lent) => one?.address ?? 0
  scoped(() => {
    const job = fillJob(combination)
    inStrips(lent, out.pixels.length, (_, count) => {
      for (let k = 0; k < planes.length; k++) {
        job.setPlane(k, address(lentPlanes[k]), address(lentMasks[k]), address(lentErrors[k]))
      }
      job.setOutputs(address(lentOut[0]), address(lentOut[1]), address(lentOut[2]))
      job.setMasters(address(lentMasters[0]), address(lentMasters[1]))
      job.setAllowance(address(lentAllowance))
      if (options.regions) combineRegions(planes, options.regions, job)
      else kernels().combine(job.address, 0, count)
    })
  })
  return out
}

const noiseOf = (noise: CombineOptions['noise']): Combination['noise'] =>
  noise && (isList(noise) ? noise : noiseModel(noise))
const isList = (noise: NonNullable<CombineOptions['noise']>): noise is readonly NoiseModel[] => Array.isArray(noise)

/** Region by region: the address of a plane is such that its pixel `to` is the one at `from`. */
function combineRegions(planes: readonly Plane[], regions: readonly CombineRegion[], job: Job): void {
  const start = planes.map((plane) => (isRaw(plane) ? plane.bytes : plane).byteOffset)
  for (const { from, to, count, offset } of regions) {
    for (let k = 0; k < planes.length; k++) {
      job.setPlane(k, start[k] + (from - to) * (isRaw(planes[k]) ? 2 : 4), 0, 0)
      job.setOffset(k, offset[k])
    }
    kernels().combine(job.address, to, count)
  }
}

function check(planes: readonly Plane[], options: CombineOptions, out: Combined): void {
  const { weights, scale, offset, errors, background, method, bias, dark, darkScale, ceiling, regions } = options
  if (planes.length === 0) throw new RangeError('no planes to combine')
  if (planes.length > 32767) throw new RangeError(`${planes.length} planes, and at most 32767 can be combined at once`)
  const n = out.pixels.length
  const others = [out.error, out.count, bias, dark, options.allowance, ...(errors ?? []), ...(options.masks ?? [])]
  if (!regions && planes.some((plane) => planeLength(plane) !== n)) throw new RangeError(SIZES)
  if (others.some((array) => array && array.length !== n)) throw new RangeError(SIZES)
  if (regions) checkRegions(planes, regions, options, out)
  const noise = options.noise && isList(options.noise) ? options.noise : undefined
  const lists = [weights, scale, offset, errors, background, darkScale, ceiling, noise]
  if (lists.some((list) => list && list.length !== planes.length)) {
    throw new RangeError(`a scale, offset, weight, background or error plane is missing for ${planes.length} planes`)
  }
  if (method === 'weighted' && !weights && !errors) throw new RangeError('nothing to weight by: give weights or errors')
}

const SIZES = 'planes of different sizes cannot be combined'

function checkRegions(
  planes: readonly Plane[],
  regions: readonly CombineRegion[],
  { errors, masks, bias, dark }: CombineOptions,
  out: Combined,
): void {
  if (errors || masks) throw new RangeError('planes that are combined by regions have neither errors nor masks')
  const arrays = [...planes.map((plane) => (isRaw(plane) ? plane.bytes : plane)), bias, dark, ...Object.values(out)]
  if (arrays.some((array) => array && !inKernelMemory(array))) {
    throw new RangeError('planes that are combined by regions must lie in kernel memory')
  }
  const shortest = Math.min(...planes.map(planeLength))
  for (const { from, to, count, offset } of regions) {
    const inside = from >= 0 && from + count <= shortest && to >= 0 && to + count <= out.pixels.length
    if (!inside || offset.length !== planes.length) throw new RangeError(`${count} pixels from ${from} to ${to}`)
  }
}
