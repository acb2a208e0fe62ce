import { allocate, kernels } from '@nightpipe/kernels'
import type { Scaling } from './scaling.js'

/** Big-endian stored values turned into the machine's, as the typed array of their BITPIX. Changes `bytes`. */
export function storedValues(bytes: Uint8Array, bitpix: number): StoredArray {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const n = bytes.length / (Math.abs(bitpix) / 8)
  if (bitpix === 16) buffer.swap16()
  else if (Math.abs(bitpix) === 32) buffer.swap32()
  else if (Math.abs(bitpix) === 64) buffer.swap64()
  switch (bitpix) {
    case 8:
      return bytes
    case 16:
      return new Int16Array(bytes.buffer, bytes.byteOffset, n)
    case 32:
      return new Int32Array(bytes.buffer, bytes.byteOffset, n)
    case 64:
      return new BigInt64Array(bytes.buffer, bytes.byteOffset, n)
    case -32:
      return new Float32Array(bytes.buffer, bytes.byteOffset, n)
    case -64:
      return new Float64Array(bytes.buffer, bytes.byteOffset, n)
  }
  throw new RangeError(`BITPIX ${bitpix}`)
}

export type StoredArray = Uint8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array

/**
 * Physical values into `out` from `offset` on. The arithmetic is in float64 and rounded once. 64-bit integers beyond
 * 2^53 become the nearest float64; with BZERO 2^63 (unsigned) they are added as integers first.
 */
export function scaleInto(
  stored: StoredArray,
  scaling: Scaling,
  out: Float32Array | Float64Array,
  offset: number,
): void {
  if (stored instanceof BigInt64Array) scaleLong(stored, scaling, out, offset)
  else if (scaling.scale === 1 && scaling.zero === 0) out.set(stored, offset)
  else scaleShort(stored, scaling, out, offset)
  if (scaling.blank !== undefined) markBlank(stored, scaling.blank, out, offset)
}

/** Physical float32 of big-endian pixels; both arrays lie in kernel memory. Call within `scoped`. */
export function floatsInto(bytes: Uint8Array, bitpix: number, scaling: Scaling, out: Float32Array): void {
  const { scale, zero, blank } = scaling
  const { floatsFrom8, floatsFrom16, floatsFrom32, floatsFromFloats, floatsFromDoubles } = kernels()
  const from = bytes.byteOffset
  const to = out.byteOffset
  const n = out.length
  if (bitpix === -32) floatsFromFloats(from, to, n, scale, zero)
  else if (bitpix === -64) floatsFromDoubles(from, to, n, scale, zero)
  else if (bitpix === 64) {
    // Rounded once to float64, and once more: as every reader of 64-bit integers does.
    const wide = allocate(Float64Array, n)
    scaleInto(storedValues(bytes, bitpix), scaling, wide, 0)
    out.set(wide)
  } else {
    const convert = bitpix === 8 ? floatsFrom8 : bitpix === 16 ? floatsFrom16 : floatsFrom32
    const possible = blank !== undefined && BigInt.asIntN(32, blank) === blank
    convert(from, to, n, scale, zero, possible ? 1 : 0, possible ? Number(blank) : 0)
  }
}

function scaleShort(
  stored: Exclude<StoredArray, BigInt64Array>,
  { scale, zero }: Scaling,
  out: Float32Array | Float64Array,
  offset: number,
): void {
  if (scale === 1) for (let i = 0; i < stored.length; i++) out[offset + i] = stored[i]! + zero
  else for (let i = 0; i < stored.length; i++) out[offset + i] = stored[i]! * scale + zero
}

function scaleLong(stored: BigInt64Array, { scale, zero }: Scaling, out: Float32Array | Float64Array, offset: number) {
  const words = new Int32Array(stored.buffer, stored.byteOffset, 2 * stored.length)
  const unsigned = scale === 1 && zero === 2 ** 63
  for (let i = 0; i < stored.length; i++) {
    const low = words[2 * i]! >>> 0
    const high = words[2 * i + 1]!
    // One rounding: the product is exact.
    const value = (unsigned ? (high ^ 0x80000000) >>> 0 : high) * 2 ** 32 + low
    out[offset + i] = unsigned ? value : value * scale + zero
  }
}

function markBlank(stored: StoredArray, blank: bigint, out: Float32Array | Float64Array, offset: number): void {
  if (stored instanceof BigInt64Array) {
    for (let i = 0; i < stored.length; i++) if (stored[i] === blank) out[offset + i] = Number.NaN
    return
  }
  const value = Number(blank)
  for (let i = 0; i < stored.length; i++) if (stored[i] === value) out[offset + i] = Number.NaN
}
