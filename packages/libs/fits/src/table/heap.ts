import { FitsError } from '../errors.js'
import type { StoredHdu } from '../hdu.js'
import { cardValue } from '../header.js'
import { show } from '../layout.js'
import { arrayFor, decodeLogical, decodeNumbers, decodeText } from './cells.js'
import type { VariableCell } from './column.js'
import { type BinaryColumn, tableShape, wrongIn } from './describe.js'
import { bytesOf, ELEMENT_BYTES } from './format.js'
import { MOST_BYTES } from './part.js'

/** Larger heaps are read cell by cell. */
const WHOLE_HEAP = 64 * 2 ** 20

export interface HeapReader {
  /** Every pointer is checked, and so is their total, before a cell is read: rows may share bytes of the heap. */
  check(length: number, offset: number, row: number): void
  read(length: number, offset: number): VariableCell
}

/** What the variable-length columns of one table have taken so far. */
export interface Budget {
  used: number
}

/** Bytes; more for what takes long to decode. */
function memoryPerElement({ format: { type }, scaling }: BinaryColumn): number {
  if (type === 'L') return 16
  if (type === 'X') return 2
  const scaled = scaling.scale !== 1 || scaling.zero !== 0
  const pair = type === 'C' || type === 'M' ? 2 : 1
  return scaled ? 16 * pair : ELEMENT_BYTES[type]
}

/** Reads cells of a variable-length column. */
export function heapReader(hdu: StoredHdu, one: BinaryColumn, budget: Budget): HeapReader {
  const { start, bytes } = heapOf(hdu)
  const { type } = one.format
  const read = heapBytes(hdu, start, bytes)
  const perElement = memoryPerElement(one)
  return {
    check(length, offset, row) {
      const size = bytesOf(type, length)
      if (!(length >= 0 && offset >= 0 && offset + size <= bytes)) {
        const pointer = `row ${row} of column ${one.name || one.tform} points at ${length} elements at byte ${offset}`
        throw wrongIn(hdu)(`${pointer} of a heap of ${bytes} bytes`, start)
      }
      budget.used += 64 + perElement * length
      if (budget.used > MOST_BYTES) {
        const problem = `its variable-length columns would take more than ${MOST_BYTES / 2 ** 20} MB of memory`
        throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, problem, 'read it by rows')
      }
    },
    read: (length, offset) => decodeCell(one, read(offset, bytesOf(type, length)), length),
  }
}

/** A small heap is read at once: a million cells would be a million reads. */
function heapBytes(hdu: StoredHdu, start: number, bytes: number): (offset: number, size: number) => Buffer {
  const read = (offset: number, size: number) => {
    const part = Buffer.alloc(size)
    hdu.source.read(start + offset, part)
    return part
  }
  if (bytes > WHOLE_HEAP) return read
  let whole: Buffer | undefined
  return (offset, size) => {
    whole ??= read(0, bytes)
    return whole.subarray(offset, offset + size)
  }
}

function decodeCell(one: BinaryColumn, bytes: Buffer, length: number): VariableCell {
  const { type } = one.format
  if (type === 'A') return decodeText(bytes, 0, length)
  if (type === 'L') return Array.from(bytes, decodeLogical)
  const values = arrayFor(type, one.scaling, length)
  decodeNumbers(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, length, type, one.scaling, values, 0)
  return values
}

/** Where the heap of a table begins in the file, and how many bytes it has. */
export function heapOf(hdu: StoredHdu): { start: number; bytes: number } {
  const { rowBytes, rows } = tableShape(hdu)
  const main = rowBytes * rows
  const theap = cardValue(hdu.stored, 'THEAP') ?? main
  if (typeof theap !== 'number' || !Number.isSafeInteger(theap) || theap < main || theap > hdu.dataBytes) {
    throw wrongIn(hdu)(`THEAP is ${show(theap)}, the heap lies between ${main} and ${hdu.dataBytes}`)
  }
  return { start: hdu.dataStart + theap, bytes: hdu.dataBytes - theap }
}
