import { FitsError } from '../errors.js'
import type { StoredHdu } from '../hdu.js'
import { type CardValue, cardValue } from '../header.js'
import { show, valueIndex } from '../layout.js'
import { parseNumber } from '../value.js'
import type { CellScaling } from './cells.js'
import { type BinaryFormat, parseDim, parseFormat } from './format.js'

/** A column of a binary table as its header describes it, checked. */
export interface BinaryColumn {
  name: string
  unit: string
  tform: string
  format: BinaryFormat
  /** First byte in the row. */
  offset: number
  scaling: CellScaling
  dim?: number[]
  /** Characters per string and strings per row, for A columns. */
  strings?: { length: number; count: number }
}

export interface TableLayout {
  rows: number
  rowBytes: number
  columns: BinaryColumn[]
}

export function describeTable(hdu: StoredHdu): TableLayout {
  const values = valueIndex(hdu.stored)
  const wrong = wrongIn(hdu)
  const { rowBytes, rows } = tableShape(hdu)
  const fields = fieldCount(values, hdu)
  let offset = 0
  const columns = Array.from({ length: fields }, (_, k) => {
    const one = describeColumn(values, k + 1, offset, wrong)
    offset += one.format.width
    if (offset > rowBytes)
      throw wrong(`column ${k + 1} (TFORM ${one.tform}) ends at byte ${offset} of rows of ${rowBytes}`)
    return one
  })
  return { rows, rowBytes, columns }
}

/** The axes of a table; other numbers of axes make no sense. */
export function tableShape(hdu: StoredHdu): { rowBytes: number; rows: number } {
  const naxis = cardValue(hdu.stored, 'NAXIS')
  const bitpix = cardValue(hdu.stored, 'BITPIX')
  if (naxis !== 2) throw wrongIn(hdu)(`NAXIS is ${show(naxis)}, a table has 2`)
  if (bitpix !== 8) throw wrongIn(hdu)(`BITPIX is ${show(bitpix)}, a table has 8`)
  return { rowBytes: Number(cardValue(hdu.stored, 'NAXIS1')), rows: Number(cardValue(hdu.stored, 'NAXIS2')) }
}

export function wrongIn(hdu: StoredHdu): (problem: string, byte?: number) => FitsError {
  return (problem, byte = hdu.headerStart) =>
    new FitsError({ file: hdu.file.name, hdu: hdu.index, byte }, problem, 'the file is damaged')
}

export function fieldCount(values: Map<string, CardValue>, hdu: StoredHdu): number {
  const fields = values.get('TFIELDS')
  if (typeof fields === 'number' && Number.isInteger(fields) && fields >= 0 && fields <= 999) return fields
  throw wrongIn(hdu)(`TFIELDS is ${show(fields)}, not a number of columns up to 999`)
}

function describeColumn(
  values: Map<string, CardValue>,
  n: number,
  offset: number,
  wrong: (problem: string) => FitsError,
): BinaryColumn {
  const tform = values.get(`TFORM${n}`)
  const format = typeof tform === 'string' ? parseFormat(tform) : undefined
  if (!format) throw wrong(`TFORM${n} is ${show(tform)}, not a format of a binary table`)
  const { name, unit, scaling } = columnFacts(values, n, wrong)
  const dim = parseDim(values.get(`TDIM${n}`))
  const fits = dim && !format.pointer && dim.reduce((product, length) => product * length, 1) <= format.repeat
  return {
    ...{ name, unit, tform: String(tform).trim(), format, offset, scaling },
    ...(fits && { dim }),
    ...(format.type === 'A' && !format.pointer && { strings: stringsOf(format, fits ? dim : undefined) }),
  }
}

/** What the columns of binary and ASCII tables have in common. */
export function columnFacts(values: Map<string, CardValue>, n: number, wrong: (problem: string) => FitsError) {
  const text = (keyword: string) => String(values.get(keyword + n) ?? '').trim()
  const number = (keyword: string, fallback: number): number => {
    const value = values.get(keyword + n)
    const parsed = typeof value === 'string' ? parseNumber(value) : value === undefined ? fallback : Number(value)
    if (parsed === undefined || !Number.isFinite(parsed)) throw wrong(`${keyword}${n} is ${show(value)}, not a number`)
    return parsed
  }
  const tnull = values.get(`TNULL${n}`)
  const whole = typeof tnull === 'bigint' || (typeof tnull === 'number' && Number.isSafeInteger(tnull))
  const scaling: CellScaling = {
    scale: number('TSCAL', 1),
    zero: number('TZERO', 0),
    nullValue: whole ? BigInt(tnull) : undefined,
  }
  return { name: text('TTYPE'), unit: text('TUNIT'), scaling }
}

/** Strings of `rAw`, or of a TDIM whose first axis is the length. */
function stringsOf({ repeat, substring }: BinaryFormat, dim: number[] | undefined): { length: number; count: number } {
  const length = dim && dim.length > 1 ? dim[0]! : (substring ?? repeat)
  return length === 0 ? { length: 0, count: 1 } : { length, count: Math.max(1, Math.floor(repeat / length)) }
}
