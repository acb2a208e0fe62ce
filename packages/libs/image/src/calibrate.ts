import { allocate, inStrips, kernels, type Lent, scoped } from '@nightpipe/kernels'
import { isRaw, type Plane, planeLength } from './raw-plane.js'

export interface Calibration {
  /** Overscan level to subtract, ADU: one for all, or one per row (then `width` says how long a row is). */
  overscan?: number | Float32Array
  width?: number
  /** Master bias, ADU, and its one-sigma error. */
  bias?: Float32Array
  biasError?: Float32Array
  /**
   * How much of the variance of the bias counts, 1 unless said. Where the dark was made with the same bias, from frames
   * longer than `darkScale` of its unit by 1 / s, a part s of the bias comes back with the dark: 1 - 2 s, for the error of
   * the dark holds s² of it already. It may be negative.
   */
  biasWeight?: number
  /** Non-linearity: the true signal is net (1 + c0 net + c1 net² …), net being ADU above the bias. */
  linearity?: readonly number[]
  /** Master dark in ADU (per second, when `darkScale` is the exposure time), its error, and the factor it is scaled by. */
  dark?: Float32Array
  darkError?: Float32Array
  darkScale?: number
  /** Master flat, about 1, and its error. Below `minimumFlat` a pixel is marked as of low response. */
  flat?: Float32Array
  flatError?: Float32Array
  minimumFlat?: number
  /** Electrons per ADU, and read noise in electrons: what the error is made of. */
  gain?: number
  readNoise?: number
  /** Bias, dark and flat are as they stand in a FITS file: big-endian. */
  stored?: boolean
  /** Factor on the result: 1 for ADU, the gain for electrons, gain / exposure time for electrons per second. */
  scale?: number
  /** Raw ADU at and above which a pixel is saturated. */
  saturation?: number
  /** Bits that every pixel starts with: the bad pixel mask, or those of a master. */
  mask?: Int16Array
  /**
   * The expected signal, ADU above the bias with the dark in it, that photon noise is reckoned from. Without it the pixel
   * itself is taken: then a pixel that came out low also claims a small error, and weighted means come out low.
   */
  signal?: Float32Array
}

export interface CalibratedPixels {
  pixels: Float32Array
  /** One sigma, in the unit of `pixels`. */
  error?: Float32Array
  mask?: Int16Array
}

/**
 * A raw frame made into a calibrated one: scale · (raw - overscan - bias - darkScale · dark) / flat, in one pass. The
 * error joins read noise, photon noise and the errors of the masters. What cannot be computed (a NaN in the raw frame or
 * a master, a flat of zero or less) is NaN and marked `noData`. `out.pixels` may be `raw` itself. The arithmetic is that
 * of float32; arrays in kernel memory are used where they lie.
 */
export function calibratePixels(raw: Plane, calibration: Calibration, out: CalibratedPixels): CalibratedPixels {
  const n = planeLength(raw)
  const { width = Math.max(1, n) } = calibration
  check(n, width, calibration, out)
  const each = isRaw(raw) ? 2 : 1
  const lent: Partial<Record<Field, Lent>> = {
    source: { array: isRaw(raw) ? raw.bytes : raw, use: 'read', each },
    pixels: { array: out.pixels, use: 'write' },
  }
  for (const field of ['bias', 'biasError', 'dark', 'darkError', 'flat', 'flatError', 'mask', 'signal'] as const) {
    const array = calibration[field]
    if (array) lent[field] = { array, use: 'read' }
  }
  if (out.error) lent.error = { array: out.error, use: 'write' }
  if (out.mask) lent.bits = { array: out.mask, use: 'write' }
  scoped(() => {
    const words = fillRecord(raw, calibration, Math.ceil(n / width), width)
    const entries = Object.entries(lent) as [Field, Lent][]
    inStrips(Object.values(lent), n, (start, count) => {
      for (const [field, one] of entries) words[WORD[field]] = one.address ?? 0
      kernels().calibrate(words.byteOffset, start, count)
    })
  })
  return out
}

// Words of the record `Calibration` of assembly/calibrate.ts.
const WORDS = [
  ...['source', 'format', 'zero', 'hasBlank', 'blank', 'width', 'overscan', 'bias', 'biasError', 'biasWeight'],
  ...['linearity', 'terms'],
  ...['dark', 'darkError', 'darkScale', 'flat', 'flatError', 'minimumFlat', 'perElectron', 'readVariance', 'scale'],
  ...['saturation', 'mask', 'signal', 'pixels', 'error', 'bits', 'turned'],
]
const WORD = Object.fromEntries(WORDS.map((name, i) => [name, i]))

type Field =
  | 'source'
  | 'bias'
  | 'biasError'
  | 'dark'
  | 'darkError'
  | 'flat'
  | 'flatError'
  | 'mask'
  | 'signal'
  | 'pixels'
  | 'error'
  | 'bits'

function fillRecord(raw: Plane, c: Calibration, rows: number, width: number): Int32Array {
  const words = allocate(Int32Array, WORDS.length).fill(0)
  const numbers = new Float32Array(words.buffer, words.byteOffset, words.length)
  const { gain = 1, readNoise = 0, linearity = [] } = c
  if (isRaw(raw)) {
    words[WORD.format] = 1
    numbers[WORD.zero] = raw.zero ?? 0
    words[WORD.hasBlank] = raw.blank === undefined ? 0 : 1
    words[WORD.blank] = raw.blank ?? 0
  }
  words[WORD.width] = width
  words[WORD.turned] = c.stored ? 1 : 0
  words[WORD.overscan] = floats(typeof c.overscan === 'object' ? c.overscan : new Array(rows).fill(c.overscan ?? 0))
  words[WORD.linearity] = floats(linearity)
  words[WORD.terms] = linearity.length
  numbers[WORD.biasWeight] = c.biasWeight ?? 1
  numbers[WORD.darkScale] = c.darkScale ?? 1
  numbers[WORD.minimumFlat] = c.minimumFlat ?? 0
  numbers[WORD.perElectron] = 1 / gain
  numbers[WORD.readVariance] = (readNoise / gain) ** 2
  numbers[WORD.scale] = c.scale ?? 1
  numbers[WORD.saturation] = c.saturation ?? Number.POSITIVE_INFINITY
  return words
}

function floats(values: ArrayLike<number>): number {
  const copy = allocate(Float32Array, values.length)
  copy.set(values)
  return copy.byteOffset
}

function check(n: number, width: number, c: Calibration, out: CalibratedPixels): void {
  const planes = [c.bias, c.biasError, c.dark, c.darkError, c.flat, c.flatError, c.mask, c.signal]
  if ([out.pixels, out.error, out.mask, ...planes].some((plane) => plane && plane.length !== n)) {
    throw new RangeError('a master of another size cannot calibrate a frame')
  }
  if (!(width > 0)) throw new RangeError(`rows of ${width} pixels are impossible`)
  if (typeof c.overscan === 'object' && c.overscan.length < n / width) {
    throw new RangeError(`${c.overscan.length} overscan levels for ${n / width} rows`)
  }
  if (c.gain !== undefined && !(c.gain > 0)) throw new RangeError(`a gain of ${c.gain} is impossible`)
}
