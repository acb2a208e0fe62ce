import { power } from '@nightpipe/math'

/** The cells of a table of text as places in its bytes: no strings are made for what is not asked for. */
export interface TextCells {
  rows: number
  names: string[]
  /** The text of a cell, without blanks around it. */
  text(row: number, column: number): string
  /** The number in a cell; NaN where there is none. */
  number(row: number, column: number): number
}

const [NEWLINE, RETURN, BLANK, TAB, HASH, QUOTE] = [10, 13, 32, 9, 35, 34]

/** Splits the lines of a table, the first of which has the names. Undefined where cells are quoted: a parser must read it. */
export function splitCells(bytes: Buffer, isRuler: (cells: string[]) => boolean): TextCells | string | undefined {
  if (bytes.includes(QUOTE) || (bytes.includes(RETURN) && !bytes.includes(NEWLINE))) return undefined
  const lines = linesOf(bytes)
  if (lines.length === 0) return 'has no row'
  const head = bytes.toString('utf8', lines[0].from, lines[0].to)
  const mark = [',', '\t', ';', '|'].find((one) => head.includes(one))
  const code = mark === undefined ? undefined : mark.charCodeAt(0)
  const names = mark === undefined ? head.trim().split(/\s+/) : head.split(mark).map((name) => name.trim())
  const wide = names.length
  // VizieR has units under the names, and a ruler under these.
  let first = 1
  for (let k = 1; k < Math.min(4, lines.length); k++) {
    const line = bytes.toString('utf8', lines[k].from, lines[k].to)
    if (isRuler(mark === undefined ? line.trim().split(/\s+/) : line.split(mark))) first = k + 1
  }
  const rows = lines.length - first
  const starts = new Uint32Array(rows * wide)
  const ends = new Uint32Array(rows * wide)
  for (let row = 0; row < rows; row++) {
    const count = splitLine(bytes, lines[first + row], code, starts, ends, row * wide, wide)
    if (count !== wide) return `row ${row + 1} has ${count} cells, the names are ${wide}`
  }
  return {
    ...{ rows, names },
    text: (row, column) => bytes.toString('utf8', starts[row * wide + column], ends[row * wide + column]),
    number: (row, column) => parseCell(bytes, starts[row * wide + column], ends[row * wide + column]),
  }
}

interface Line {
  from: number
  to: number
}

/** The lines that are neither empty nor comments. */
function linesOf(bytes: Buffer): Line[] {
  const lines: Line[] = []
  const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  for (let at = bom ? 3 : 0; at < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, at)
    const end = found < 0 ? bytes.length : found
    const to = end > at && bytes[end - 1] === RETURN ? end - 1 : end
    let k = at
    while (k < to && (bytes[k] === BLANK || bytes[k] === TAB)) k++
    if (k < to && bytes[at] !== HASH) lines.push({ from: at, to })
    at = end + 1
  }
  return lines
}

/** Writes where the cells of a line begin and end, without blanks around them; returns how many there are. */
function splitLine(
  bytes: Buffer,
  { from, to }: Line,
  mark: number | undefined,
  starts: Uint32Array,
  ends: Uint32Array,
  at: number,
  wide: number,
): number {
  let count = 0
  let k = from
  const isBlank = (code: number) => code === BLANK || (code === TAB && mark !== TAB)
  while (k <= to) {
    while (k < to && isBlank(bytes[k])) k++
    if (mark === undefined && k === to) break
    let end = k
    while (end < to && (mark === undefined ? !isBlank(bytes[end]) : bytes[end] !== mark)) end++
    let last = end
    while (last > k && isBlank(bytes[last - 1])) last--
    if (count < wide) {
      starts[at + count] = k
      ends[at + count] = last
    }
    count++
    k = end + 1
  }
  return count
}

/** Powers of ten that a float64 holds exactly. */
const TENS = Array.from({ length: 23 }, (_, k) => power(10, k))

/** A plain decimal number from its digits; anything else, and more digits than are exact, by way of text. */
function parseCell(bytes: Buffer, from: number, to: number): number {
  if (from === to) return Number.NaN
  let k = from
  const negative = bytes[k] === 45
  if (negative || bytes[k] === 43) k++
  let [value, digits, fraction] = [0, 0, -1]
  for (; k < to; k++) {
    const code = bytes[k]
    if (code >= 48 && code <= 57) {
      value = value * 10 + code - 48
      digits++
    } else if (code === 46 && fraction < 0) fraction = digits
    else return Number(bytes.toString('latin1', from, to))
  }
  // Whole numbers and powers of ten that are exact give the nearest float64 by one division.
  if (digits === 0 || digits > 15) return Number(bytes.toString('latin1', from, to))
  const size = fraction < 0 ? value : value / TENS[digits - fraction]
  return negative ? -size : size
}
