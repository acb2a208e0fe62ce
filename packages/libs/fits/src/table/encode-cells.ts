import type { NewColumn, PixelArray } from '../new-hdu.js'
import { UNSIGNED } from './cells.js'
import type { TypeCode } from './format.js'

/** The values of a column, or one cell of a variable-length column. */
export type Cell = PixelArray | string | readonly string[] | readonly (boolean | undefined)[] | readonly number[]

/** Puts `count` values from `first` on as `width` bytes at `at`. */
export type CellWriter = (bytes: Buffer, at: number, values: Cell, first: number, count: number, width: number) => void

const TYPES: readonly [new (length: number) => PixelArray, TypeCode][] = [
  [Uint8Array, 'B'],
  [Int8Array, 'B'],
  [Int16Array, 'I'],
  [Uint16Array, 'I'],
  [Int32Array, 'J'],
  [Uint32Array, 'J'],
  [BigInt64Array, 'K'],
  [BigUint64Array, 'K'],
  [Float32Array, 'E'],
  [Float64Array, 'D'],
]

/** The type of a column that says none: that of its array; plain numbers are float64. */
export function inferType(values: Cell): TypeCode {
  if (typeof values === 'string' || typeof values[0] === 'string') return 'A'
  const typed = TYPES.find(([array]) => values instanceof array)
  if (typed) return typed[1]
  return typeof values[0] === 'number' || values.length === 0 ? 'D' : 'L'
}

/** TZERO of the unsigned (for bytes: signed) conventions, for arrays that need it. */
export function unsignedZero(type: TypeCode, values: Cell): number {
  const unsigned = UNSIGNED[type as keyof typeof UNSIGNED]
  return unsigned && values instanceof unsigned.array ? unsigned.zero : 0
}

export function cellWriter(column: NewColumn, type: TypeCode, scaling: { scale: number; zero: number }): CellWriter {
  if (type === 'A') return writeTexts
  if (type === 'L') return writeLogicals
  if (type === 'X') return writeBits
  return type === 'K' ? longWriter(column, scaling) : numberWriter(column, type, scaling)
}

const writeTexts: CellWriter = (bytes, at, values, first, count, width) => {
  const each = width / count
  for (let k = 0; k < count; k++) {
    const text = typeof values === 'string' ? values : String(values[first + k])
    const ascii = text.replace(/[^\x20-\x7e]/g, '?')
    if (ascii.length > each) throw new RangeError(`'${text}' is longer than ${each} characters`)
    bytes.write(ascii.padEnd(each), at + k * each, each, 'latin1')
  }
}

const writeLogicals: CellWriter = (bytes, at, values, first, count) => {
  for (let k = 0; k < count; k++) {
    const value = values[first + k]
    bytes[at + k] = value === undefined ? 0 : value ? 0x54 : 0x46
  }
}

const writeBits: CellWriter = (bytes, at, values, first, count) => {
  for (let k = 0; k < count; k++) if (values[first + k]) bytes[at + (k >> 3)]! |= 0x80 >> (k & 7)
}

const SIZES = { B: 1, I: 2, J: 4, E: 4, C: 4, D: 8, M: 8 } as const
const PUT: Record<keyof typeof SIZES, (bytes: Buffer, value: number, at: number) => void> = {
  B: (bytes, value, at) => bytes.writeUInt8(value, at),
  I: (bytes, value, at) => bytes.writeInt16BE(value, at),
  J: (bytes, value, at) => bytes.writeInt32BE(value, at),
  E: (bytes, value, at) => bytes.writeFloatBE(value, at),
  C: (bytes, value, at) => bytes.writeFloatBE(value, at),
  D: (bytes, value, at) => bytes.writeDoubleBE(value, at),
  M: (bytes, value, at) => bytes.writeDoubleBE(value, at),
}

/** Puts a whole column of numbers, `elements` a row, from `offset` on in each; undefined for one that is not as simple. */
export function plainColumn(
  { values, nulls, zero, scale }: NewColumn,
  type: TypeCode,
): ((bytes: Buffer, offset: number, rowBytes: number, rows: number, elements: number) => void) | undefined {
  if (nulls || (zero ?? 0) !== 0 || (scale ?? 1) !== 1) return undefined
  const put = plainPut(type, values as Cell)
  if (!put) return undefined
  const size = SIZES[type as keyof typeof SIZES]
  return (bytes, offset, rowBytes, rows, elements) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let k = 0; k < elements; k++) put(view, offset + k * size, rowBytes, rows, k, elements)
  }
}

/** Element `first`, `first + step` … of a column into row after row. */
type PlainPut = (view: DataView, at: number, rowBytes: number, rows: number, first: number, step: number) => void

function plainPut(type: TypeCode, values: Cell): PlainPut | undefined {
  const float = values instanceof Float64Array || values instanceof Float32Array
  if (type === 'D' && float) {
    return (view, at, rowBytes, rows, first, step) => {
      for (let r = 0, p = at, k = first; r < rows; r++, p += rowBytes, k += step) view.setFloat64(p, values[k]!)
    }
  }
  if (type === 'E' && float) {
    return (view, at, rowBytes, rows, first, step) => {
      for (let r = 0, p = at, k = first; r < rows; r++, p += rowBytes, k += step) view.setFloat32(p, values[k]!)
    }
  }
  if (type === 'J' && values instanceof Int32Array) {
    return (view, at, rowBytes, rows, first, step) => {
      for (let r = 0, p = at, k = first; r < rows; r++, p += rowBytes, k += step) view.setInt32(p, values[k]!)
    }
  }
  return undefined
}

function numberWriter(column: NewColumn, type: TypeCode, { scale, zero }: { scale: number; zero: number }): CellWriter {
  const code = type as keyof typeof SIZES
  const put = PUT[code]
  const size = SIZES[code]
  const integer = code === 'B' || code === 'I' || code === 'J'
  const plain = scale === 1 && zero === 0 && !column.nulls
  return (bytes, at, values, first, count) => {
    if (plain && count >= BULK && putBulk(bytes, at, values, first, count, code)) return
    for (let k = 0; k < count; k++) {
      const value = Number(values[first + k])
      // TZERO moves the real part of a complex number only.
      const offset = (code === 'C' || code === 'M') && k % 2 === 1 ? 0 : zero
      if (!integer) put(bytes, (value - offset) / scale, at + k * size)
      else
        put(bytes, storedInteger(column, value, (value - zero) / scale, column.nulls?.[first + k] === 1), at + k * size)
    }
  }
}

/** From this many values in a cell on, copying and swapping them all at once is quicker. */
export const BULK = 16

/** Many values of an array that is of the type of the column, or of float64 where that is float32; false of any other. */
function putBulk(bytes: Buffer, at: number, values: Cell, first: number, count: number, code: string): boolean {
  const wide = code === 'E' && values instanceof Float64Array
  const type = OF_CODE[code]
  if (!type || !(wide || values instanceof type)) return false
  const some = (values as Float32Array).subarray(first, first + count)
  const own = wide ? new Float32Array(some) : some
  const to = bytes.subarray(at, at + own.byteLength)
  to.set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength))
  if (code === 'I') to.swap16()
  else if (code === 'D') to.swap64()
  else to.swap32()
  return true
}

const OF_CODE: Partial<Record<string, new (length: number) => PixelArray>> = {
  ...{ I: Int16Array, J: Int32Array, E: Float32Array, D: Float64Array },
}

/** Buffer refuses what does not fit; a fraction is rounded only where a scale makes one. */
function storedInteger(column: NewColumn, value: number, stored: number, none: boolean): number {
  if (none || Number.isNaN(value)) {
    if (column.nullValue !== undefined) return Number(column.nullValue)
    throw new RangeError(`column ${column.name}: a missing integer needs a nullValue`)
  }
  const rounded = Math.round(stored)
  if (rounded !== stored && (column.scale ?? 1) === 1)
    throw new RangeError(`column ${column.name}: ${value} is not an integer`)
  return rounded
}

function longWriter(column: NewColumn, { scale, zero }: { scale: number; zero: number }): CellWriter {
  const offset = BigInt(zero)
  return (bytes, at, values, first, count) => {
    for (let k = 0; k < count; k++) {
      const value = values[first + k]
      const none = column.nulls?.[first + k] === 1 || Number.isNaN(value)
      let stored: bigint
      if (none || typeof value !== 'bigint') {
        stored = BigInt(storedInteger(column, Number(value), (Number(value) - zero) / scale, none))
        if (none) stored = BigInt(column.nullValue!)
      } else stored = value - offset
      bytes.writeBigInt64BE(stored, at + 8 * k)
    }
  }
}
