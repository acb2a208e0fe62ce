import { DataError } from '@nightpipe/files'
import { CellError, parseCell } from './cells.js'
import { type CsvRecord, parseCsv } from './csv.js'
import type { Cell, ColumnSpec, TableSpec } from './define.js'

/** A table in memory as it stands in its file, and which of its columns is which. */
export interface Layout {
  path: string
  /** names in the file; without header, those declared */
  header: string[]
  hasHeader: boolean
  records: CsvRecord[]
  /** where each declared column is in the file, -1 when it is not there */
  place: number[]
  /** columns that are in the file and not declared: name and place. They are kept. */
  extras: { name: string; place: number }[]
}

const empty = (cells: string[]) => cells.every((cell) => cell.trim() === '')

export function layOut(text: string, path: string, spec: TableSpec): Layout {
  const records = parseCsv(text, path).filter((record) => !empty(record.cells))
  return spec.layout === 'positional' ? byPosition(records, path, spec) : byName(records, path, spec)
}

function byName(records: CsvRecord[], path: string, spec: TableSpec): Layout {
  const declared = spec.columns.map((column) => column.name)
  const header = records[0]?.cells.map((name) => name.trim()) ?? declared
  const twice = header.find((name, i) => name !== '' && header.indexOf(name) !== i)
  if (twice !== undefined) throw new DataError(`${path}: two columns are named '${twice}'`, 'rename one of them')
  const absent = spec.columns.filter((column) => column.required && !header.includes(column.name))
  if (absent.length) {
    const names = absent.map((column) => column.name).join(', ')
    throw new DataError(`${path} has no column ${names} (its header: ${header.slice(0, 8).join(', ')})`)
  }
  const extras = header.flatMap((name, place) => (declared.includes(name) ? [] : [{ name, place }]))
  return finish({
    path,
    header,
    hasHeader: true,
    records: records.slice(1),
    place: declared.map((n) => header.indexOf(n)),
    extras,
  })
}

/** The first row is a header when it cannot be data: one of its cells is not what the column at that place declares. */
function byPosition(records: CsvRecord[], path: string, spec: TableSpec): Layout {
  const first = records[0]
  const hasHeader = !first || !spec.columns.every((column, i) => readable(first.cells[i] ?? '', column))
  const declared = spec.columns.map((column) => column.name)
  const width = Math.max(declared.length, ...records.map((record) => record.cells.length))
  const header = Array.from(
    { length: width },
    (_, i) => (hasHeader && first?.cells[i]) || declared[i] || `column ${i + 1}`,
  )
  const extras = header.flatMap((_, place) => (place < declared.length ? [] : [{ name: `column ${place + 1}`, place }]))
  return finish({
    path,
    header,
    hasHeader,
    records: records.slice(hasHeader ? 1 : 0),
    place: declared.map((_, i) => i),
    extras,
  })
}

function readable(text: string, column: ColumnSpec): boolean {
  try {
    parseCell(text, column)
    return true
  } catch {
    return text.trim() === column.name
  }
}

function finish(layout: Layout): Layout {
  for (const { cells, line } of layout.records) {
    const surplus = cells.slice(layout.header.length)
    if (!empty(surplus)) {
      const counts = `${cells.length} cells, the header has ${layout.header.length}`
      throw new DataError(`${layout.path}:${line}: ${counts}`, 'quote the cell that holds a comma')
    }
  }
  return layout
}

/** The value of a declared column in a record; an error names the file, the line and the column. */
export function cellAt(layout: Layout, record: CsvRecord, spec: TableSpec, column: number): Cell {
  const declared = spec.columns[column]!
  try {
    const value = parseCell(record.cells[layout.place[column]!] ?? '', declared)
    if (value === undefined && declared.required) throw new CellError('is missing')
    return value
  } catch (error) {
    if (!(error instanceof CellError)) throw error
    throw new DataError(`${layout.path}:${record.line}: ${declared.name}: ${error.message}`, 'mend that cell')
  }
}

/** A record as an object: declared columns typed, the others as text. */
export function rowAt(layout: Layout, record: CsvRecord, spec: TableSpec): Record<string, Cell> {
  const row: Record<string, Cell> = {}
  for (let i = 0; i < spec.columns.length; i++) row[spec.columns[i]!.name] = cellAt(layout, record, spec, i)
  for (const { name, place } of layout.extras) row[name] = record.cells[place] || undefined
  return row
}
