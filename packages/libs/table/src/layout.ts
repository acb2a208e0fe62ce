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
  const positional = spec.layout === 'positional'
  const records = parseCsv(text, path, { trim: positional }).filter((record) => !empty(record.cells))
  return positional ? byPosition(records, path, spec) : byName(records, path, spec)
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

/**
 * The first row is a header when it says so (its text cells are the names of their columns), or cannot be data: one of
 * its cells is not what the column at that place declares.
 */
function isHeader(cells: string[], { columns }: TableSpec): boolean {
  const named = columns.filter((column, i) => cells[i]?.trim().toLowerCase() === column.name.toLowerCase())
  const texts = columns.filter(({ type }) => type === 'text')
  if (named.length > 0 && texts.every((column) => named.includes(column))) return true
  return !columns.every((column, i) => readable(cells[i] ?? '', column))
}

function byPosition(records: CsvRecord[], path: string, spec: TableSpec): Layout {
  const first = records[0]
  const hasHeader = !first || isHeader(first.cells, spec)
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
    return false
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

/** A record as an object: declared columns typed, the others as text. With `onProblem` a cell that cannot be read is missing. */
export function rowAt(
  layout: Layout,
  record: CsvRecord,
  spec: TableSpec,
  onProblem?: (error: DataError) => void,
): Record<string, Cell> {
  const row: Record<string, Cell> = {}
  spec.columns.forEach(({ name }, i) => {
    try {
      row[name] = cellAt(layout, record, spec, i)
    } catch (error) {
      if (!onProblem || !(error instanceof DataError)) throw error
      onProblem(error)
      row[name] = undefined
    }
  })
  for (const { name, place } of layout.extras) row[name] = record.cells[place] || undefined
  return row
}
