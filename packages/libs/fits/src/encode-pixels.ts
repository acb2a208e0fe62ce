import { inKernelMemory, kernels } from '@nightpipe/kernels'
import { onesSum, rotated } from './checksum.js'
import { encodeFloats } from './encode-floats.js'
import type { NewImage, PixelArray } from './new-hdu.js'

/** How pixels are stored: enough to write rows from any thread. */
export interface PixelCoding {
  bitpix: NewImage['bitpix']
  scale: number
  zero: number
  blank: number | undefined
}

export function codingOf(image: NewImage): PixelCoding {
  const { bitpix, unsigned, blank, bscale, bzero, stored } = image
  const integer = bitpix > 0
  if (!integer && !stored && (unsigned || bscale !== undefined || bzero !== undefined || blank !== undefined)) {
    throw new RangeError(`BITPIX ${bitpix} takes neither unsigned, bscale, bzero nor blank: only integers do`)
  }
  const offset = bitpix === 8 ? -128 : 2 ** (bitpix - 1)
  if (unsigned && (bscale !== undefined || bzero !== undefined)) throw new RangeError('unsigned sets bzero by itself')
  if (bscale === 0 && !stored) throw new RangeError('bscale is 0')
  return { bitpix, scale: bscale ?? 1, zero: unsigned ? offset : (bzero ?? 0), blank }
}

/**
 * The pixels from `from` on as the big-endian bytes of the file, into all of `out`. Integers are rounded; what does not fit is an error, not a
 * wrong pixel.
 */
export function encodePixels(pixels: PixelArray, from: number, coding: PixelCoding, out: Uint8Array): void {
  const count = out.length / (Math.abs(coding.bitpix) / 8)
  const part = pixels.subarray(from, from + count)
  if (part.length < count) throw new RangeError(`${pixels.length - from} pixels given, ${count} wanted`)
  const bytes = Buffer.from(out.buffer, out.byteOffset, out.length)
  const { bitpix } = coding
  if (part instanceof Float32Array && (bitpix === 8 || bitpix === 16 || bitpix === 32)) {
    const place = encodeFloats(part, bitpix, coding, out)
    if (place >= 0) throw misfit(part[place]!, coding)
    return
  }
  switch (bitpix) {
    case 8:
      encodeIntegers(part, coding, out, 0, 255)
      return
    case 16:
      if (part instanceof Int16Array && asStored(coding) && inKernelMemory(part) && inKernelMemory(out)) {
        kernels().swap16(part.byteOffset, out.byteOffset, count)
        return
      }
      encodeIntegers(part, coding, new Int16Array(out.buffer, out.byteOffset, count), -32768, 32767)
      bytes.swap16()
      return
    case 32:
      encodeIntegers(part, coding, new Int32Array(out.buffer, out.byteOffset, count), -(2 ** 31), 2 ** 31 - 1)
      bytes.swap32()
      return
    case 64:
      encodeLongs(part, coding, new BigInt64Array(out.buffer, out.byteOffset, count))
      bytes.swap64()
      return
    case -32:
      if (part instanceof Float32Array && inKernelMemory(part) && inKernelMemory(out)) {
        kernels().swap32(part.byteOffset, out.byteOffset, count)
        return
      }
      copyFloats(part, new Float32Array(out.buffer, out.byteOffset, count))
      bytes.swap32()
      return
    case -64:
      copyFloats(part, new Float64Array(out.buffer, out.byteOffset, count))
      bytes.swap64()
  }
}

/**
 * `encodePixels`, and the sum of the bytes, which stand at `offset` of the data: pixels that need nothing but their bytes
 * turned are summed while that is done.
 */
export function encodeAndSum(
  pixels: PixelArray,
  from: number,
  coding: PixelCoding,
  out: Uint8Array,
  offset: number,
): number {
  const size = Math.abs(coding.bitpix) / 8
  const count = out.length / size
  const turned =
    coding.bitpix === -32
      ? pixels instanceof Float32Array
      : coding.bitpix === 16 && pixels instanceof Int16Array && asStored(coding)
  const reaches = from + count <= pixels.length
  if (turned && reaches && inKernelMemory(pixels as Float32Array | Int16Array) && inKernelMemory(out)) {
    const { swap16Sum, swap32Sum } = kernels()
    const sum = (size === 2 ? swap16Sum : swap32Sum)(pixels.byteOffset + from * size, out.byteOffset, count)
    return rotated(sum >>> 0, offset)
  }
  encodePixels(pixels, from, coding, out)
  return onesSum(out, offset)
}

const asStored = ({ scale, zero }: PixelCoding) => scale === 1 && zero === 0

function isLong(part: PixelArray): part is BigInt64Array | BigUint64Array {
  return part instanceof BigInt64Array || part instanceof BigUint64Array
}

function copyFloats(part: PixelArray, out: Float32Array | Float64Array): void {
  if (!isLong(part)) out.set(part)
  else for (let i = 0; i < part.length; i++) out[i] = Number(part[i])
}

function encodeIntegers(
  part: PixelArray,
  coding: PixelCoding,
  out: Uint8Array | Int16Array | Int32Array,
  lowest: number,
  highest: number,
): void {
  const { scale, zero, blank } = coding
  if (asStored(coding) && part.constructor === out.constructor) {
    out.set(part as Int16Array)
    return
  }
  if (part instanceof Uint16Array && out instanceof Int16Array && scale === 1 && zero === 32768) {
    for (let i = 0; i < part.length; i++) out[i] = part[i]! ^ 0x8000
    return
  }
  for (let i = 0; i < part.length; i++) {
    const value = Number(part[i])
    const stored = Number.isNaN(value) && blank !== undefined ? blank : Math.round((value - zero) / scale)
    if (!(stored >= lowest && stored <= highest)) throw misfit(value, coding)
    out[i] = stored
  }
}

function encodeLongs(part: PixelArray, coding: PixelCoding, out: BigInt64Array): void {
  const { scale, zero, blank } = coding
  if (scale !== 1) throw new RangeError('bscale is not supported for 64-bit integers')
  const offset = BigInt(zero)
  for (let i = 0; i < part.length; i++) {
    const value = part[i]!
    if (typeof value === 'number' && !Number.isFinite(value) && !(Number.isNaN(value) && blank !== undefined)) {
      throw misfit(value, coding)
    }
    const stored =
      typeof value === 'bigint'
        ? value - offset
        : Number.isNaN(value)
          ? BigInt(blank!)
          : BigInt(Math.round(value)) - offset
    out[i] = stored
    if (out[i] !== stored) throw misfit(value, coding)
  }
}

function misfit(value: number | bigint, { bitpix, zero }: PixelCoding): RangeError {
  const how = Number.isNaN(Number(value)) ? 'NaN needs a blank value' : `pixel value ${value} does not fit`
  return new RangeError(`${how} in BITPIX ${bitpix}${zero === 0 ? '' : ` with BZERO ${zero}`}`)
}
