import { FitsError } from '../errors.js'
import { type Hdu, type StoredHdu, storedHdu } from '../hdu.js'
import { readAsciiTable } from './ascii.js'
import { arrayFor, decodeLogical, decodeNumbers, decodeText } from './cells.js'
import type { Column, Table, VariableCell } from './column.js'
import { type BinaryColumn, describeTable, type TableLayout } from './describe.js'
import { ELEMENT_BYTES } from './format.js'
import { type Budget, heapReader } from './heap.js'
import { checkMemory, pickColumns, rowRange, type TablePart } from './part.js'

/** Rows are read in pieces of about this many bytes. */
const PIECE = 1 << 20

/** Reads a binary or ASCII table. Columns without a name have ''. */
export function readTable(hdu: Hdu, part: TablePart = {}): Table {
  const inside = storedHdu(hdu)
  if (hdu.kind === 'ascii') return readAsciiTable(inside, part)
  if (hdu.kind === 'table') return readBinaryTable(inside, part)
  throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, `is not a table (${hdu.kind})`)
}

function readBinaryTable(hdu: StoredHdu, part: TablePart): Table {
  const layout = describeTable(hdu)
  if (hdu.stored.cards.some((card) => card.keyword === 'ZTABLE' && card.value === true)) {
    throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, 'is a compressed table', 'run funpack on it first')
  }
  const { first, rows } = rowRange(layout.rows, part)
  const wanted = pickColumns(hdu, layout.columns, part.columns)
  checkMemory(
    hdu,
    rows,
    wanted.map((one) => memoryOf(one)),
  )
  const budget: Budget = { used: 0 }
  const filling = wanted.map((one) => startColumn(hdu, one, rows, budget))
  if (filling.length === 0) return { rows, columns: [] }
  eachPiece(hdu, layout, first, rows, (view, bytes, row, count) => {
    for (const { fill } of filling) fill(view, bytes, row, count, layout.rowBytes)
  })
  return { rows, columns: filling.map(({ column }) => column) }
}

function memoryOf({ format, strings }: BinaryColumn): number {
  if (format.repeat === 0) return 24
  if (format.pointer) return 100
  if (strings) return strings.count * (24 + strings.length)
  if (format.type === 'L') return 8 * format.repeat
  return format.type === 'X' ? format.repeat : Math.max(8, ELEMENT_BYTES[format.type]) * format.repeat
}

function eachPiece(
  hdu: StoredHdu,
  { rowBytes }: TableLayout,
  first: number,
  rows: number,
  use: (view: DataView, bytes: Buffer, row: number, count: number) => void,
): void {
  const perPiece = Math.max(1, Math.floor(PIECE / Math.max(1, rowBytes)))
  const bytes = Buffer.alloc(Math.min(perPiece, rows) * rowBytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let row = 0; row < rows; row += perPiece) {
    const count = Math.min(perPiece, rows - row)
    hdu.source.read(hdu.dataStart + (first + row) * rowBytes, bytes.subarray(0, count * rowBytes))
    use(view, bytes, row, count)
  }
}

interface Filling {
  column: Column
  fill(view: DataView, bytes: Buffer, row: number, count: number, rowBytes: number): void
}

function startColumn(hdu: StoredHdu, one: BinaryColumn, rows: number, budget: Budget): Filling {
  if (one.format.pointer) return startVariable(hdu, one, rows, budget)
  if (one.strings) return startStrings(one, one.strings, rows)
  return one.format.type === 'L' ? startLogicals(one, rows) : startNumbers(one, rows)
}

function describe(one: BinaryColumn, repeat: number, values: Column['values']): Column {
  const { scale, zero, nullValue } = one.scaling
  return {
    ...{ name: one.name, unit: one.unit, format: one.tform, repeat, values },
    ...(one.dim && { dim: one.dim }),
    ...(nullValue !== undefined && { nullValue }),
    ...((scale !== 1 || zero !== 0) && { scale, zero }),
  }
}

function startNumbers(one: BinaryColumn, rows: number): Filling {
  const { repeat, type } = one.format
  const values = arrayFor(type, one.scaling, rows * repeat)
  const perRow = repeat === 0 ? 0 : type === 'C' || type === 'M' ? 2 * repeat : repeat
  const column = describe(one, repeat, values)
  const onNull = (index: number) => {
    column.nulls ??= new Uint8Array(rows * repeat)
    column.nulls[index] = 1
  }
  const fill: Filling['fill'] = (view, _bytes, row, count, rowBytes) => {
    for (let r = 0; r < count; r++) {
      const from = r * rowBytes + one.offset
      decodeNumbers(view, from, repeat, type, one.scaling, values, (row + r) * perRow, onNull)
    }
  }
  return { column, fill }
}

function startStrings(
  one: BinaryColumn,
  { length, count: perRow }: { length: number; count: number },
  rows: number,
): Filling {
  const values = new Array<string>(rows * perRow)
  const fill: Filling['fill'] = (_view, bytes, row, count, rowBytes) => {
    for (let r = 0; r < count; r++) {
      for (let k = 0; k < perRow; k++) {
        values[(row + r) * perRow + k] = decodeText(bytes, r * rowBytes + one.offset + k * length, length)
      }
    }
  }
  return { column: describe(one, perRow, values), fill }
}

function startLogicals(one: BinaryColumn, rows: number): Filling {
  const { repeat } = one.format
  const values = new Array<boolean | undefined>(rows * repeat)
  const fill: Filling['fill'] = (_view, bytes, row, count, rowBytes) => {
    for (let r = 0; r < count; r++) {
      const from = r * rowBytes + one.offset
      for (let k = 0; k < repeat; k++) values[(row + r) * repeat + k] = decodeLogical(bytes[from + k]!)
    }
  }
  return { column: describe(one, repeat, values), fill }
}

function startVariable(hdu: StoredHdu, one: BinaryColumn, rows: number, budget: Budget): Filling {
  const values = new Array<VariableCell>(rows)
  const { repeat, pointer } = one.format
  const heap = heapReader(hdu, one, budget)
  const wide = pointer === 'Q'
  const pointerAt = (view: DataView, at: number): [number, number] => {
    if (repeat === 0) return [0, 0]
    return wide
      ? [Number(view.getBigInt64(at)), Number(view.getBigInt64(at + 8))]
      : [view.getInt32(at), view.getInt32(at + 4)]
  }
  const fill: Filling['fill'] = (view, _bytes, row, count, rowBytes) => {
    for (let r = 0; r < count; r++) heap.check(...pointerAt(view, r * rowBytes + one.offset), row + r)
    for (let r = 0; r < count; r++) values[row + r] = heap.read(...pointerAt(view, r * rowBytes + one.offset))
  }
  return { column: describe(one, 1, values), fill }
}
