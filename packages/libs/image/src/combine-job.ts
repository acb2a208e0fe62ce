import { allocate } from '@nightpipe/kernels'
import type { Combined, CombineOptions } from './combine.js'
import { madToSigma, medianLoss, trimmedLoss, trimmedParts } from './efficiency.js'
import type { NoiseModel } from './noise.js'
import { isRaw, type Plane } from './raw-plane.js'
import { sortingPairs } from './sorting-pairs.js'

export interface Combination {
  planes: readonly Plane[]
  options: CombineOptions
  /** Of all planes, or of each. */
  noise?: NoiseModel | readonly NoiseModel[]
  out: Combined
}

/** The record that the kernel `combine` reads, and what changes in it from strip to strip. */
export interface Job {
  address: number
  setPlane(k: number, source: number, mask: number, error: number): void
  setOffset(k: number, offset: number): void
  setOutputs(pixels: number, error: number, count: number): void
  setMasters(bias: number, dark: number): void
  setAllowance(allowance: number): void
}

const METHOD = { median: 0, mean: 1, weighted: 1, sigma: 2, minmax: 3 } as const
const FROM = { nothing: 0, errors: 1, model: 2, scatter: 3 } as const

// Words of the record `Job` of assembly/combine.ts, and of its records `Plane` (16 words each).
const JOB_WORDS = 33
const ALLOWANCE_WORD = 31
const UNLIKE_WORD = 32
const PIXELS_WORD = 25
const MASTERS_WORD = 28
const PLANE_WORDS = 16
/** Rows of results of 16 pixels, and the sums over all planes. */
const RESULT_FLOATS = 144

/** Allocates and fills the record: to be called inside `scoped`, after all arrays that the kernel shall read. */
export function fillJob({ planes, options, noise, out }: Combination): Job {
  const n = planes.length
  const noises = planes.map((_, k) => (Array.isArray(noise) ? noise[k] : noise) as NoiseModel | undefined)
  const relative = noises[0]?.relative ?? 0
  const words = allocate(Int32Array, JOB_WORDS).fill(0)
  const numbers = new Float32Array(words.buffer, words.byteOffset, JOB_WORDS)
  const records = allocate(Int32Array, PLANE_WORDS * n)
  const { clipLow = 4, clipHigh = 4, lowest = 1, highest = 1, maskBits = -1 } = options
  const errorFrom = options.errors ? FROM.errors : noise ? FROM.model : FROM.scatter
  const clipFrom = noise ? FROM.model : options.errors ? FROM.errors : FROM.scatter
  words.set([records.byteOffset, n, METHOD[options.method], out.error ? errorFrom : FROM.nothing, clipFrom])
  numbers.set([clipLow ** 2, clipHigh ** 2], 5)
  const iterations = options.iterations ?? (clipFrom === FROM.scatter ? 1 : 5)
  words.set([iterations, lowest, highest, maskBits], 7)
  numbers[11] = relative
  words[12] = options.method === 'weighted' && !options.weights ? 1 : 0
  words[13] = words[12] === 0 && alike(options, noises) ? 1 : 0
  const loss = (k: number) => (options.method === 'minmax' ? trimmedLoss(k, lowest, highest) : medianLoss(k))
  const { all, middle } = sortingPairs(n)
  const scratch = [0, 1, 2, 3].map(() => allocate(Float32Array, 16 * n).byteOffset)
  const result = allocate(Float32Array, RESULT_FLOATS).byteOffset
  words.set([table(n, madToSigma), table(n, loss), all.byteOffset, all.length / 2], 14)
  words.set([middle.byteOffset, middle.length / 2, ...scratch, result], 18)
  fillPlanes(records, planes, options, noises)
  numbers[MASTERS_WORD + 2] = Math.hypot(relative, options.tolerance ?? 0)
  numbers[UNLIKE_WORD] = options.unlike ?? 0
  const { scale, offset, ceiling, bias, dark, regions } = options
  const asTheyAre = !bias && !dark && !ceiling && !regions
  const taken = planes.map(
    (plane, k) => asTheyAre && !isRaw(plane) && (scale?.[k] ?? 1) === 1 && (offset?.[k] ?? 0) === 0,
  )
  const planeNumbers = new Float32Array(records.buffer, records.byteOffset, records.length)
  return {
    address: words.byteOffset,
    setPlane(k, source, mask, error) {
      records[k * PLANE_WORDS] = source
      records[k * PLANE_WORDS + 6] = mask
      records[k * PLANE_WORDS + 7] = error
      records[k * PLANE_WORDS + 12] = mask === 0 && taken[k] ? 1 : 0
    },
    setOffset(k, value) {
      planeNumbers[k * PLANE_WORDS + 3] = value
    },
    setOutputs: (pixels, error, count) => words.set([pixels, error, count], PIXELS_WORD),
    setMasters: (bias, dark) => words.set([bias, dark], MASTERS_WORD),
    setAllowance: (allowance) => words.set([allowance], ALLOWANCE_WORD),
  }
}

function fillPlanes(
  records: Int32Array,
  planes: readonly Plane[],
  options: CombineOptions,
  noises: readonly (NoiseModel | undefined)[],
): void {
  const numbers = new Float32Array(records.buffer, records.byteOffset, records.length)
  planes.forEach((plane, k) => {
    const at = k * PLANE_WORDS
    const scale = options.scale?.[k] ?? 1
    const noise = noises[k] ?? { variance0: 0, variancePerUnit: 0 }
    const raw = isRaw(plane)
    records[at + 1] = raw ? 1 : 0
    numbers[at + 2] = raw ? (plane.zero ?? 0) : 0
    numbers[at + 3] = options.offset?.[k] ?? 0
    numbers[at + 4] = scale
    numbers[at + 5] = options.weights?.[k] ?? 1
    // A level L of the result is L / scale + background in the plane; its variance there is multiplied by scale².
    const background = Math.max(0, options.background?.[k] ?? 0)
    numbers[at + 8] = scale * scale * (noise.variance0 + noise.variancePerUnit * background)
    numbers[at + 9] = Math.abs(scale) * noise.variancePerUnit
    records[at + 10] = raw && plane.blank !== undefined ? 1 : 0
    records[at + 11] = raw ? (plane.blank ?? 0) : 0
    numbers[at + 13] = options.darkScale?.[k] ?? 1
    numbers[at + 14] = options.ceiling?.[k] ?? Number.POSITIVE_INFINITY
  })
  if (options.method !== 'minmax' || !noises.every((noise) => noise)) return
  const sigmas = planes.map((_, k) => Math.sqrt(numbers[k * PLANE_WORDS + 8]))
  const parts = trimmedParts(sigmas, ((options.lowest ?? 1) + (options.highest ?? 1)) / 2)
  parts.forEach((part, k) => {
    numbers[k * PLANE_WORDS + 15] = 1 - part
  })
}

/** True when planes have the same weight and the same noise. */
function alike({ weights, scale, background }: CombineOptions, noises: readonly (NoiseModel | undefined)[]): boolean {
  const parts = [noises.map((one) => one?.variance0 ?? 0), noises.map((one) => one?.variancePerUnit ?? 0)]
  return [weights, scale, background, ...parts].every(allEqual)
}

function allEqual(list?: readonly number[]): boolean {
  return !list || list.every((value) => value === list[0])
}

/** The address of a table of what `value` is for 0 … n samples. */
function table(n: number, value: (samples: number) => number): number {
  const values = allocate(Float32Array, n + 1)
  for (let k = 0; k <= n; k++) values[k] = value(k)
  return values.byteOffset
}
