import { readFileSync } from 'node:fs'
import { DataError, explainSystemError, systemCode } from '@nightpipe/files'
import { CsvError, parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'

/** A row as it stands in the file. */
export interface CsvRecord {
  cells: string[]
  /** where it begins, counted from 1 */
  line: number
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Uint8Array, path: string): string {
  try {
    return decoder.decode(bytes) // drops a byte order mark
  } catch (error) {
    let line = 1
    for (let i = 0; i < bytes.length && bytes[i]! < 0x80; i++) if (bytes[i] === 10) line++
    throw new DataError(`${path} is not UTF-8 text (first other byte after line ${line})`, 'save it as UTF-8', {
      cause: error,
    })
  }
}

/** The text of a table, or undefined when there is no such file. */
export function textOfTable(path: string): string | undefined {
  try {
    return decode(readFileSync(path), path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw explainSystemError(error, 'read', path)
  }
}

/** Most tables: lines that end with LF, no quotes, no blanks around cells that must go. They need no parser. */
function plainRecords(text: string): CsvRecord[] {
  const records: CsvRecord[] = []
  let line = 0
  for (let from = 0; from < text.length; ) {
    const stop = text.indexOf('\n', from)
    const end = stop < 0 ? text.length : stop
    line++
    if (end > from) records.push({ cells: text.slice(from, end).split(','), line })
    from = end + 1
  }
  return records
}

const lineEndsIn = (cell: string) => (/[\r\n]/.test(cell) ? cell.split(/\r\n|\n|\r/).length - 1 : 0)

/** The records of a CSV text (RFC 4180; LF, CRLF or CR; quoted commas, quotes and line ends), nothing interpreted. `trim`: blanks around cells
 * do not count, not even before a quote. */
export function parseCsv(text: string, path: string, { trim = false } = {}): CsvRecord[] {
  if (!trim && !/["\r\uFEFF]/.test(text)) return plainRecords(text)
  try {
    const parsed = parse(text, {
      bom: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      info: true,
      trim,
    }) as unknown as { info: { lines: number }; record: string[] }[]
    return parsed.map(({ info, record }) => {
      const inside = record.reduce((n, cell) => n + lineEndsIn(cell), 0)
      return { cells: record, line: info.lines - inside }
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const { lines } = error as unknown as { lines?: number }
    throw new DataError(`${path}:${lines ?? '?'}: ${plain(error)}`, 'mend that line in an editor', { cause: error })
  }
}

function plain(error: CsvError): string {
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') return 'a quoted cell is never closed'
  if (error.code === 'INVALID_OPENING_QUOTE' || error.code === 'CSV_INVALID_CLOSING_QUOTE') {
    return 'a quote in the middle of a cell (a quoted cell has quotes at both ends, inner ones doubled)'
  }
  return error.message
}

/** Whatever might want quotes, and a little more. */
const SPECIAL = /[",\r\n\uFEFF]|^\s|\s$/

/** CSV text, one row a line, quotes only where they are needed, or around every cell of the columns that `quoted` says. */
export function formatCsv(rows: string[][], quoted?: (row: number, column: number) => boolean): string {
  if (quoted) return rows.map((row, r) => `${row.map((cell, c) => quote(cell, quoted(r, c))).join(',')}\n`).join('')
  const lone = rows[0]?.length === 1 // an empty line would not count as a row
  if (!lone && !rows.some((row) => row.some((cell) => SPECIAL.test(cell))))
    return rows.map((row) => `${row.join(',')}\n`).join('')
  return stringify(rows, { quoted_match: /[\r\n]|^\s|\s$|^\uFEFF/, quoted_empty: lone })
}

const quote = (cell: string, always: boolean) =>
  (always && cell !== '') || /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
