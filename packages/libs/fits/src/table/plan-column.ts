import type { Card } from '../header.js'
import type { NewColumn } from '../new-hdu.js'
import { card } from '../new-header.js'
import { BULK, type Cell, cellWriter, inferType, plainColumn, unsignedZero } from './encode-cells.js'
import { bytesOf, parseFormat, type TypeCode } from './format.js'

/** A column of a table to be written: how wide, and how its bytes are put in place. */
export interface PlannedColumn {
  width: number
  heapBytes: number
  cards(n: number): Card[]
  /** Fills the column at `offset` of rows of `rowBytes`; the heap's first free byte is `start` + `used`. */
  write(bytes: Buffer, offset: number, rowBytes: number, heap: { start: number; used: number }): void
}

export function planColumn(column: NewColumn, rows: number): PlannedColumn {
  const { values } = column
  if (isVariable(column)) return planVariable(column, values as readonly Cell[], rows)
  return planFixed(column, rows)
}

function isVariable({ format, values }: NewColumn): boolean {
  if (format !== undefined) return parseFormat(format)?.pointer !== undefined
  return Array.isArray(values) && typeof values[0] === 'object'
}

function planFixed(column: NewColumn, rows: number): PlannedColumn {
  const { values } = column
  const { type, repeat, tform } = fixedFormat(column, rows)
  const zero = column.zero ?? unsignedZero(type, values as Cell)
  const scale = column.scale ?? 1
  const put = cellWriter(column, type, { scale, zero })
  const width = bytesOf(type, repeat)
  const elements =
    type === 'A' ? stringsPerRow(column, repeat, rows) : type === 'C' || type === 'M' ? 2 * repeat : repeat
  if (values.length !== rows * elements) {
    throw new RangeError(`column ${column.name} has ${values.length} values, ${rows} rows of ${elements} are wanted`)
  }
  const whole = zero === 0 && elements < BULK ? plainColumn(column, type) : undefined
  return {
    width,
    heapBytes: 0,
    cards: (n) => columnCards(column, n, tform, { scale, zero }),
    write(bytes, offset, rowBytes) {
      if (whole) return whole(bytes, offset, rowBytes, rows, elements)
      for (let row = 0; row < rows; row++) {
        put(bytes, row * rowBytes + offset, values as Cell, row * elements, elements, width)
      }
    },
  }
}

/** TFORM as given, or made from the values. */
function fixedFormat(column: NewColumn, rows: number): { type: TypeCode; repeat: number; tform: string } {
  const { name, format, values } = column
  if (format !== undefined) {
    const parsed = parseFormat(format)
    if (!parsed) throw new RangeError(`column ${name}: ${format} is not a format`)
    return { type: parsed.type, repeat: parsed.repeat, tform: format }
  }
  const type = inferType(values as Cell)
  if (type === 'A') {
    const longest = (values as readonly string[]).reduce((length, text) => Math.max(length, text.length), 1)
    return { type, repeat: longest, tform: `${longest}A` }
  }
  const repeat = rows === 0 ? 1 : values.length / rows
  if (!Number.isInteger(repeat)) throw new RangeError(`column ${name} has ${values.length} values for ${rows} rows`)
  return { type, repeat, tform: repeat === 1 ? type : `${repeat}${type}` }
}

function stringsPerRow(column: NewColumn, repeat: number, rows: number): number {
  const substring = parseFormat(column.format ?? '')?.substring
  const length = column.dim && column.dim.length > 1 ? column.dim[0]! : (substring ?? repeat)
  return rows === 0 || length === 0 ? 1 : Math.max(1, Math.floor(repeat / length))
}

function planVariable(column: NewColumn, cells: readonly Cell[], rows: number): PlannedColumn {
  if (cells.length !== rows) throw new RangeError(`column ${column.name} has ${cells.length} cells for ${rows} rows`)
  const given = parseFormat(column.format ?? '')
  const type = given?.type ?? cells.map(inferType)[0] ?? 'B'
  const zero = column.zero ?? (cells[0] === undefined ? 0 : unsignedZero(type, cells[0]))
  const scale = column.scale ?? 1
  const put = cellWriter(column, type, { scale, zero })
  const lengths = cells.map((cell) => (type === 'C' || type === 'M' ? cell.length / 2 : cell.length))
  const sizes = lengths.map((length) => bytesOf(type, length))
  const heapBytes = sizes.reduce((sum, size) => sum + size, 0)
  const wide = given?.pointer === 'Q' || heapBytes > 2 ** 30
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0)
  const tform = `1${wide ? 'Q' : 'P'}${type}(${longest})`
  return {
    width: wide ? 16 : 8,
    heapBytes,
    cards: (n) => columnCards(column, n, tform, { scale, zero }),
    write(bytes, offset, rowBytes, { start, used }) {
      let at = used
      cells.forEach((cell, row) => {
        writePointer(bytes, row * rowBytes + offset, wide, lengths[row]!, at)
        put(bytes, start + at, cell, 0, type === 'A' ? 1 : cell.length, sizes[row]!)
        at += sizes[row]!
      })
    },
  }
}

function writePointer(bytes: Buffer, at: number, wide: boolean, length: number, offset: number): void {
  if (wide) {
    bytes.writeBigInt64BE(BigInt(length), at)
    bytes.writeBigInt64BE(BigInt(offset), at + 8)
  } else {
    bytes.writeInt32BE(length, at)
    bytes.writeInt32BE(offset, at + 4)
  }
}

function columnCards(
  column: NewColumn,
  n: number,
  tform: string,
  { scale, zero }: { scale: number; zero: number },
): Card[] {
  const cards = [card(`TTYPE${n}`, column.name, column.comment ?? ''), card(`TFORM${n}`, tform, '')]
  if (column.unit) cards.push(card(`TUNIT${n}`, column.unit))
  if (column.dim) cards.push(card(`TDIM${n}`, `(${column.dim.join(',')})`))
  if (scale !== 1 || zero !== 0) {
    cards.push(card(`TSCAL${n}`, scale), card(`TZERO${n}`, zero === 2 ** 63 ? 2n ** 63n : zero))
  }
  if (column.nullValue !== undefined) cards.push(card(`TNULL${n}`, column.nullValue))
  return cards
}
