import { allocate, handOver, inKernelMemory, scoped, settle } from '@nightpipe/kernels'
import { FitsError } from './errors.js'
import { type Hdu, storedHdu } from './hdu.js'
import { type PixelRange, room, span } from './image.js'
import { floatsInto, scaleInto, storedValues } from './pixels.js'
import { type Scaling, scalingOf } from './scaling.js'
import { readStoredRows } from './tiles.js'
import type { Onlooker } from './verify.js'

/** Pixels are converted by strips of this many bytes, which stay in the processor's cache. */
const STRIP = 1 << 18

/**
 * Physical values as float32: BZERO + BSCALE * stored, BLANK as NaN, computed in float64 and rounded once. `into` may
 * lie in kernel memory, and must have room for the pixels asked for; the part of it that was filled is returned. An
 * `onlooker` is shown the bytes of the file; of tiles there are none to show.
 */
export function readPixels(
  hdu: Hdu,
  options: PixelRange & { into?: Float32Array; onlooker?: Onlooker } = {},
): Float32Array {
  const { first, count } = span(hdu, options)
  const out = room(hdu, options.into, count, Float32Array)
  const scaling = scalingOf(hdu)
  const direct = inKernelMemory(out)
  const { onlooker } = options
  if (direct && hdu.bitpix === -32 && !hdu.compressed && !onlooker) {
    readFloats(hdu, first, scaling, out.subarray(0, count))
    return out
  }
  eachStrip(hdu, first, count, (bytes, at, n) => {
    onlooker?.(bytes)
    const floats = direct ? out.subarray(at, at + n) : allocate(Float32Array, n)
    floatsInto(bytes, hdu.bitpix, scaling, floats)
    if (!direct) out.set(floats, at)
  })
  return out
}

/** Floats as big as they are stored go straight to where they belong; what is there is converted while more is read. */
function readFloats(hdu: Hdu, first: number, { scale, zero }: Scaling, out: Float32Array): void {
  const { source, dataStart } = storedHdu(hdu)
  try {
    for (let at = 0; at < out.length; at += STRIP / 4) {
      const part = out.subarray(at, at + STRIP / 4)
      source.read(dataStart + (first + at) * 4, new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
      handOver(['floatsFromFloats', part.byteOffset, part.byteOffset, part.length, scale, zero])
    }
  } finally {
    settle()
  }
}

/** The same as float64: what 32 and 64-bit pixels need to keep their digits. */
export function readPixels64(hdu: Hdu, options: PixelRange & { into?: Float64Array } = {}): Float64Array {
  const { first, count } = span(hdu, options)
  const out = room(hdu, options.into, count, Float64Array)
  const scaling = scalingOf(hdu)
  eachStrip(hdu, first, count, (bytes, at) => scaleInto(storedValues(bytes, hdu.bitpix), scaling, out, at))
  return out
}

/**
 * Pixels as they are stored, big-endian, without BSCALE and BZERO: for kernels that read them where they lie. `into`
 * may lie in kernel memory; the part of it that was filled is returned.
 */
export function readStored(hdu: Hdu, { into, ...range }: PixelRange & { into: Uint8Array }): Uint8Array {
  const { first, count } = span(hdu, range)
  const size = Math.abs(hdu.bitpix) / 8
  if (into.length < count * size) throw new RangeError(`room for ${into.length} bytes, ${count * size} wanted`)
  const bytes = into.subarray(0, count * size)
  const { source, dataStart } = storedHdu(hdu)
  if (!hdu.compressed) source.read(dataStart + first * size, bytes)
  else if (count > 0) readStoredRows(storedHdu(hdu), first / hdu.axes[0]!, count / hdu.axes[0]!, bytes)
  return bytes
}

/**
 * Integer pixels as they are meant: the unsigned conventions (BZERO 32768 and the like) applied, BLANK left as it is
 * stored. Refuses images that are not integer, or whose values do not fit in `into` (Int32Array when it is absent).
 */
export function readIntegers<T extends Int16Array | Int32Array = Int32Array>(
  hdu: Hdu,
  options: PixelRange & { into?: T } = {},
): T {
  const { first, count } = span(hdu, options)
  const out = room<Int16Array | Int32Array>(hdu, options.into, count, Int32Array)
  const { scale, zero } = scalingOf(hdu)
  if (hdu.bitpix < 0 || scale !== 1 || !Number.isSafeInteger(zero)) {
    throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, 'the pixels are not integers')
  }
  const narrow = Math.abs(hdu.bitpix) / 8 <= out.BYTES_PER_ELEMENT
  eachStrip(hdu, first, count, (bytes, at) => {
    const stored = storedValues(bytes, hdu.bitpix)
    if (zero === 0 && narrow) out.set(stored as Int32Array, at)
    else copyIntegers(hdu, stored as Int32Array | BigInt64Array, zero, out, at)
  })
  return out as T
}

/** 64-bit pixels without loss: as unsigned where BZERO is 2^63. */
export function readBigIntegers(hdu: Hdu, options: PixelRange = {}): BigInt64Array | BigUint64Array {
  const { first, count } = span(hdu, options)
  const { scale, zero } = scalingOf(hdu)
  const unsigned = zero === 2 ** 63
  if (hdu.bitpix !== 64 || scale !== 1 || !(unsigned || Number.isSafeInteger(zero))) {
    throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, 'the pixels are not 64-bit integers')
  }
  room(hdu, undefined, 2 * count, Int32Array)
  const out = unsigned ? new BigUint64Array(count) : new BigInt64Array(count)
  eachStrip(hdu, first, count, (bytes, at) => {
    const stored = storedValues(bytes, 64) as BigInt64Array
    for (let i = 0; i < stored.length; i++) out[at + i] = stored[i]! + BigInt(zero)
  })
  return out
}

function copyIntegers(
  hdu: Hdu,
  stored: Int32Array | BigInt64Array,
  zero: number,
  out: Int16Array | Int32Array,
  at: number,
): void {
  for (let i = 0; i < stored.length; i++) {
    const value = Number(stored[i]) + zero
    out[at + i] = value
    if (out[at + i] === value) continue
    const place = { file: hdu.file.name, hdu: hdu.index }
    throw new FitsError(place, `pixel value ${value} does not fit in ${8 * out.BYTES_PER_ELEMENT} bits`)
  }
}

/**
 * Big-endian pixels strip by strip, in kernel memory: `bytes` are those of `n` pixels, `at` counted from `first`, good
 * only during the call. What `use` allocates in kernel memory is given back after it.
 */
function eachStrip(
  hdu: Hdu,
  first: number,
  count: number,
  use: (bytes: Uint8Array, at: number, n: number) => void,
): void {
  const { source, dataStart } = storedHdu(hdu)
  const size = Math.abs(hdu.bitpix) / 8
  const width = hdu.axes[0] ?? 1
  // Tiles hold whole rows.
  const perStrip = hdu.compressed ? width * Math.max(1, Math.floor(STRIP / size / width)) : STRIP / size
  scoped(() => {
    const strip = allocate(Uint8Array, Math.min(perStrip, count) * size)
    for (let at = 0; at < count; at += perStrip) {
      const n = Math.min(perStrip, count - at)
      const bytes = strip.subarray(0, n * size)
      if (hdu.compressed) readStoredRows(storedHdu(hdu), (first + at) / width, n / width, bytes)
      else source.read(dataStart + (first + at) * size, bytes)
      scoped(() => use(bytes, at, n))
    }
  })
}
