import type { Cell, ColumnSpec, ColumnType } from './define.js'

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?$/
const NOT_FINITE: Record<string, number> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
}
const FLAG: Record<string, boolean> = {
  true: true,
  yes: true,
  t: true,
  y: true,
  1: true,
  false: false,
  no: false,
  f: false,
  n: false,
  0: false,
}

const EXPECTED: Record<ColumnType, string> = {
  text: 'text',
  integer: 'a whole number',
  number: 'a number',
  flag: 'true or false',
}

/** A cell that is not what its column declares. */
export class CellError extends Error {}

function parseNumber(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text.replace(/[dD]/, 'e')) // Fortran and IDL write 1.5D3
  return NOT_FINITE[text.toLowerCase()]
}

/** The value of a cell as its column declares it; never a guess: `012` in a text column stays `012`. */
export function parseCell(text: string, column: ColumnSpec): Cell {
  const trimmed = text.trim()
  if (trimmed === '' || column.missing?.includes(trimmed)) return undefined
  if (column.type === 'text') return text
  if (column.type === 'flag') {
    const flag = FLAG[trimmed.toLowerCase()]
    if (flag !== undefined) return flag
  } else {
    const number = parseNumber(trimmed)
    if (number !== undefined && (column.type === 'number' || Number.isSafeInteger(number))) return number
  }
  throw new CellError(`'${text}' is not ${EXPECTED[column.type]}`)
}

/** The text of a value: numbers with the fewest digits that read back to the same float64, minus zero included. */
export function formatCell(value: Cell, column: ColumnSpec): string {
  if (value === undefined || value === null) return ''
  const fits =
    column.type === 'text'
      ? typeof value === 'string'
      : column.type === 'flag'
        ? typeof value === 'boolean'
        : typeof value === 'number' && (column.type === 'number' || Number.isSafeInteger(value))
  if (!fits) throw new RangeError(`column ${column.name} takes ${EXPECTED[column.type]}, not ${JSON.stringify(value)}`)
  return Object.is(value, -0) ? '-0' : String(value)
}

/** The order of two cells: numbers by value, text by code point (the same on every machine), missing ones last. */
export function compareCells(a: Cell, b: Cell): number {
  if (a === undefined || b === undefined) return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0)
  return a < b ? -1 : a > b ? 1 : 0
}
