import type { NumberArray } from './column.js'
import { ELEMENT_BYTES, type TypeCode } from './format.js'

/** How the integers of a column become numbers. */
export interface CellScaling {
  scale: number
  zero: number
  nullValue: bigint | undefined
}

type Maker = new (length: number) => NumberArray

/** The array that holds `count` values of this type once they are scaled. */
export function arrayFor(type: TypeCode, { scale, zero }: CellScaling, count: number): NumberArray {
  if (type === 'X') return new Uint8Array(count)
  if (type === 'C') return scale === 1 && zero === 0 ? new Float32Array(2 * count) : new Float64Array(2 * count)
  if (type === 'M') return new Float64Array(2 * count)
  if (scale === 1 && zero === 0) return new PLAIN[type as keyof typeof PLAIN](count)
  const unsigned = scale === 1 ? UNSIGNED[type as keyof typeof UNSIGNED] : undefined
  return unsigned && zero === unsigned.zero ? new unsigned.array(count) : new Float64Array(count)
}

const PLAIN: Record<'B' | 'I' | 'J' | 'K' | 'E' | 'D', Maker> = {
  B: Uint8Array,
  I: Int16Array,
  J: Int32Array,
  K: BigInt64Array,
  E: Float32Array,
  D: Float64Array,
}

export const UNSIGNED: Record<'B' | 'I' | 'J' | 'K', { zero: number; array: Maker }> = {
  B: { zero: -128, array: Int8Array },
  I: { zero: 32768, array: Uint16Array },
  J: { zero: 2 ** 31, array: Uint32Array },
  K: { zero: 2 ** 63, array: BigUint64Array },
}

/**
 * Decodes `count` elements that start at `from` of `view` into `out` from `at` on. `onNull` is told the places of null
 * values.
 */
export function decodeNumbers(
  view: DataView,
  from: number,
  count: number,
  type: TypeCode,
  scaling: CellScaling,
  out: NumberArray,
  at: number,
  onNull?: (index: number) => void,
): void {
  if (type === 'X') {
    for (let k = 0; k < count; k++) out[at + k] = (view.getUint8(from + (k >> 3)) >> (7 - (k & 7))) & 1
    return
  }
  const plain = scaling.scale === 1 && scaling.zero === 0 && scaling.nullValue === undefined
  if (plain && count >= BULK) {
    decodeBulk(view, from, count * ELEMENT_BYTES[type], type, out, at)
    return
  }
  if (type === 'K') {
    decodeLongs(view, from, count, scaling, out, at, onNull)
    return
  }
  const { scale, zero } = scaling
  const nothing = scaling.nullValue === undefined ? Number.NaN : Number(scaling.nullValue)
  const integer = type === 'B' || type === 'I' || type === 'J'
  const n = type === 'C' || type === 'M' ? 2 * count : count
  const size = type === 'B' ? 1 : type === 'I' ? 2 : type === 'D' || type === 'M' ? 8 : 4
  const get = GETTERS[type as keyof typeof GETTERS]
  const floating = out instanceof Float64Array
  for (let k = 0; k < n; k++) {
    const stored = get(view, from + k * size)
    const none = integer && stored === nothing
    // TZERO moves the real part of a complex number only.
    const value = scale === 1 && zero === 0 ? stored : stored * scale + (n > count && k % 2 === 1 ? 0 : zero)
    out[at + k] = none && floating ? Number.NaN : value
    if (none) onNull?.(at + k)
  }
}

/** From this many elements on, copying and swapping them all at once is quicker. */
const BULK = 16

function decodeBulk(view: DataView, from: number, size: number, type: TypeCode, out: NumberArray, at: number): void {
  const bytes = Buffer.from(out.buffer, out.byteOffset + at * out.BYTES_PER_ELEMENT, size)
  bytes.set(new Uint8Array(view.buffer, view.byteOffset + from, size))
  if (type === 'I') bytes.swap16()
  else if (type === 'J' || type === 'E' || type === 'C') bytes.swap32()
  else if (type !== 'B') bytes.swap64()
}

const GETTERS: Record<'B' | 'I' | 'J' | 'E' | 'D' | 'C' | 'M', (view: DataView, at: number) => number> = {
  B: (view, at) => view.getUint8(at),
  I: (view, at) => view.getInt16(at),
  J: (view, at) => view.getInt32(at),
  E: (view, at) => view.getFloat32(at),
  C: (view, at) => view.getFloat32(at),
  D: (view, at) => view.getFloat64(at),
  M: (view, at) => view.getFloat64(at),
}

function decodeLongs(
  view: DataView,
  from: number,
  count: number,
  { scale, zero, nullValue }: CellScaling,
  out: NumberArray,
  at: number,
  onNull?: (index: number) => void,
): void {
  for (let k = 0; k < count; k++) {
    const stored = view.getBigInt64(from + 8 * k)
    const none = stored === nullValue
    if (out instanceof BigInt64Array) out[at + k] = stored
    else if (out instanceof BigUint64Array) out[at + k] = stored + 2n ** 63n
    else out[at + k] = none ? Number.NaN : Number(stored) * scale + zero
    if (none) onNull?.(at + k)
  }
}

/** Characters up to the first NUL, without blanks at the end. */
export function decodeText(bytes: Buffer, from: number, length: number): string {
  let end = from
  while (end < from + length && bytes[end] !== 0) end++
  while (end > from && bytes[end - 1] === 0x20) end--
  return bytes.toString('latin1', from, end)
}

/** T, F, and anything else for a logical without a value. */
export function decodeLogical(byte: number): boolean | undefined {
  return byte === 0x54 ? true : byte === 0x46 ? false : undefined
}
