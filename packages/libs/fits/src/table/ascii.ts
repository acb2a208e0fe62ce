import type { FitsError } from '../errors.js'
import type { StoredHdu } from '../hdu.js'
import { show, valueIndex } from '../layout.js'
import type { Column, Table } from './column.js'
import { columnFacts, fieldCount, tableShape, wrongIn } from './describe.js'
import { checkMemory, pickColumns, rowRange, type TablePart } from './part.js'

interface AsciiColumn {
  name: string
  unit: string
  tform: string
  type: 'A' | 'I' | 'F' | 'E' | 'D'
  /** First byte in the row, and number of characters. */
  start: number
  width: number
  /** Digits after the point where the point is not written. */
  decimals: number
  /** The text that means no value. */
  tnull: string | undefined
  scale: number
  zero: number
}

const FORMAT = /^([AIFED])(\d+)(?:\.(\d+))?$/
const PIECE = 1 << 20

/** Reads a table of text: numbers of any notation, D exponents too. */
export function readAsciiTable(hdu: StoredHdu, part: TablePart): Table {
  const values = valueIndex(hdu.stored)
  const wrong = wrongIn(hdu)
  const { rowBytes, rows: total } = tableShape(hdu)
  const count = fieldCount(values, hdu)
  const all = Array.from({ length: count }, (_, k) => describeAscii(values, k + 1, rowBytes, wrong))
  const { first, rows } = rowRange(total, part)
  const wanted = pickColumns(hdu, all, part.columns)
  checkMemory(
    hdu,
    rows,
    wanted.map(({ type, width }) => (type === 'A' ? 24 + width : 9)),
  )
  const columns = wanted.map((one) => startColumn(one, rows))
  if (columns.length === 0) return { rows, columns }
  const perPiece = Math.max(1, Math.floor(PIECE / Math.max(1, rowBytes)))
  const bytes = Buffer.alloc(Math.min(perPiece, rows) * rowBytes)
  for (let row = 0; row < rows; row += perPiece) {
    const n = Math.min(perPiece, rows - row)
    const at = hdu.dataStart + (first + row) * rowBytes
    hdu.source.read(at, bytes.subarray(0, n * rowBytes))
    wanted.forEach((one, c) => {
      for (let r = 0; r < n; r++) {
        const from = r * rowBytes + one.start
        const text = bytes.toString('latin1', from, from + one.width)
        if (!setCell(one, columns[c]!, row + r, text)) {
          throw wrong(`row ${row + r} of column ${one.name || one.tform} is '${text}', not a number`, at + from)
        }
      }
    })
  }
  return { rows, columns }
}

function describeAscii(
  values: ReturnType<typeof valueIndex>,
  n: number,
  rowBytes: number,
  wrong: (problem: string) => FitsError,
): AsciiColumn {
  const tform = values.get(`TFORM${n}`)
  const match = FORMAT.exec(String(tform).trim().toUpperCase())
  if (!match) throw wrong(`TFORM${n} is ${show(tform)}, not a format of an ASCII table`)
  const tbcol = values.get(`TBCOL${n}`)
  const width = Number(match[2])
  if (typeof tbcol !== 'number' || !Number.isInteger(tbcol) || tbcol < 1 || tbcol - 1 + width > rowBytes) {
    throw wrong(`column ${n} starts at character ${show(tbcol)} with ${match[0]}, rows have ${rowBytes} characters`)
  }
  const { name, unit, scaling } = columnFacts(values, n, wrong)
  const tnull = values.get(`TNULL${n}`)
  return {
    ...{ name, unit, tform: match[0], type: match[1] as AsciiColumn['type'], start: tbcol - 1, width },
    ...{ decimals: Number(match[3] ?? 0), scale: scaling.scale, zero: scaling.zero },
    tnull: tnull === undefined ? undefined : String(tnull).trim(),
  }
}

function startColumn(one: AsciiColumn, rows: number): Column {
  const scaled = one.scale !== 1 || one.zero !== 0
  const values =
    one.type === 'A'
      ? new Array<string>(rows)
      : one.type !== 'I' || scaled
        ? new Float64Array(rows)
        : one.width <= 9
          ? new Int32Array(rows)
          : new BigInt64Array(rows)
  const { name, unit, tform: format, scale, zero } = one
  return { name, unit, format, repeat: 1, values, ...(scaled && { scale, zero }) }
}

/** False when the text is not what the column holds. */
function setCell(one: AsciiColumn, column: Column, row: number, text: string): boolean {
  const { values } = column
  if (one.type === 'A') {
    ;(values as string[])[row] = text.replace(/[\0 ]+$/, '')
    return true
  }
  const trimmed = text.replaceAll('\0', ' ').trim()
  if (trimmed === '' || trimmed === one.tnull) {
    column.nulls ??= new Uint8Array(values.length)
    column.nulls[row] = 1
    if (values instanceof Float64Array) values[row] = Number.NaN
    return true
  }
  if (values instanceof BigInt64Array) {
    if (!/^[+-]?\d+$/.test(trimmed)) return false
    values[row] = BigInt(trimmed.replace(/^\+/, ''))
    return true
  }
  const number = parseField(trimmed, one.type === 'I' ? 0 : one.decimals)
  ;(values as Float64Array)[row] = number * one.scale + one.zero
  return !Number.isNaN(number) || /^nan$/i.test(trimmed)
}

/** A Fortran number: D exponents, an exponent without its letter, and a point that is only understood. */
function parseField(text: string, decimals: number): number {
  const match = /^([+-]?)(\d*)(\.?)(\d*)(?:[EeDd]?([+-]\d+)|[EeDd](\d+))?$/.exec(text.replaceAll(' ', ''))
  if (!match) return /^[+-]?inf(inity)?$/i.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : Number.NaN
  const [, sign, whole, point, fraction, signed, unsigned] = match
  if (whole === '' && fraction === '') return Number.NaN
  const exponent = Number(signed ?? unsigned ?? 0) - (point === '' ? decimals : 0)
  return Number(`${sign}${whole}.${fraction}e${exponent}`.replace(/^([+-]?)\./, '$10.').replace('.e', 'e'))
}
