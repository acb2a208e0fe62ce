import { compareCells, formatCell, parseCell } from './cells.js'
import { type CsvRecord, formatCsv } from './csv.js'
import type { Cell, TableSpec } from './define.js'
import { cellAt, type Layout } from './layout.js'

type Row = Readonly<Record<string, Cell>>

/** A row on its way to the file: the texts of its cells, and the values that it is sorted by. */
interface Line {
  cells: string[]
  order: Cell[]
}

const columnsOf = (spec: TableSpec, names: readonly string[]) =>
  names.map((name) => spec.columns.findIndex((column) => column.name === name))

/** The key of a row in one string, or undefined for a table without key. */
export function keyOf(spec: TableSpec, value: (column: number) => Cell): string | undefined {
  if (spec.key.length === 0) return undefined
  return columnsOf(spec, spec.key)
    .map((i) => formatCell(value(i), spec.columns[i]!))
    .join('\0')
}

export const keyOfRecord = (layout: Layout, record: CsvRecord, spec: TableSpec) =>
  keyOf(spec, (i) => cellAt(layout, record, spec, i))

export const keyOfRow = (row: Row, spec: TableSpec) => keyOf(spec, (i) => row[spec.columns[i]!.name])

/** The header of the file to write: what is there, then the declared columns that are not, as new columns go last. */
function widen(layout: Layout, spec: TableSpec): Layout {
  const header = [...layout.header]
  const place = layout.place.map((at, i) => (at >= 0 ? at : header.push(spec.columns[i]!.name) - 1))
  return { ...layout, header, place }
}

/** A cell that still means the same keeps its spelling: a person may have written 1.50, or yes. */
function sameMeaning(text: string, value: Cell, column: TableSpec['columns'][number]): boolean {
  try {
    return Object.is(parseCell(text, column), value)
  } catch {
    return false
  }
}

function lineOfRow(layout: Layout, spec: TableSpec, row: Row, old: CsvRecord | undefined): Line {
  const cells = layout.header.map((_, i) => old?.cells[i] ?? '')
  spec.columns.forEach((column, i) => {
    const value = row[column.name]
    const text = formatCell(value, column)
    if (text.trim() === '' && column.required) throw new RangeError(`a row of ${spec.name} has no ${column.name}`)
    const at = layout.place[i]!
    if (!old || !sameMeaning(cells[at]!, value, column)) cells[at] = text
  })
  for (const { name, place } of layout.extras) if (name in row) cells[place] = String(row[name] ?? '')
  const known = (name: string) =>
    spec.columns.some((column) => column.name === name) || layout.extras.some((extra) => extra.name === name)
  const stray = Object.keys(row).find((name) => !known(name))
  if (stray !== undefined) throw new RangeError(`${spec.name} has no column ${stray}`)
  return { cells, order: (spec.sort ?? spec.key).map((name) => row[name]) }
}

function lineOfRecord(layout: Layout, spec: TableSpec, record: CsvRecord): Line {
  const order = columnsOf(spec, spec.sort ?? spec.key).map((i) => cellAt(layout, record, spec, i))
  return { cells: layout.header.map((_, i) => record.cells[i] ?? ''), order }
}

function textOf(layout: Layout, spec: TableSpec, lines: Line[]): string {
  const rank = lines.map((line, i) => ({ line, i }))
  rank.sort((a, b) => {
    for (let k = 0; k < a.line.order.length; k++) {
      const order = compareCells(a.line.order[k], b.line.order[k])
      if (order !== 0) return order
    }
    return a.i - b.i
  })
  const rows = [...(layout.hasHeader ? [layout.header] : []), ...rank.map(({ line }) => line.cells)]
  if (!spec.quoted) return formatCsv(rows)
  const texts = new Set(layout.place.filter((_, i) => spec.columns[i]!.type === 'text'))
  return formatCsv(rows, (row, column) => texts.has(column) && (row > 0 || !layout.hasHeader))
}

/** The file with `rows` added; one with the key of an old row takes its place, and the last of several wins. */
export function textWithRows(before: Layout, spec: TableSpec, rows: readonly Row[]): string {
  const layout = widen(before, spec)
  const lines: Line[] = []
  const where = new Map<string, { at: number; record?: CsvRecord }>()
  const put = (key: string | undefined, line: Line, record?: CsvRecord) => {
    const at = (key === undefined ? undefined : where.get(key)?.at) ?? lines.length
    lines[at] = line
    if (key !== undefined) where.set(key, { at, ...(record && { record }) })
  }
  for (const record of layout.records)
    put(keyOfRecord(layout, record, spec), lineOfRecord(layout, spec, record), record)
  for (const row of rows) {
    const key = keyOfRow(row, spec)
    const old = key === undefined ? undefined : where.get(key)?.record
    put(key, lineOfRow(layout, spec, row, old), old)
  }
  return textOf(layout, spec, lines)
}

/**
 * The file with `rows` instead of what it has. Columns that were not declared keep what they say about each key; in a table
 * without key, `records` are what the rows were read from.
 */
export function textOfRows(
  before: Layout,
  spec: TableSpec,
  rows: readonly Row[],
  records: ReadonlyMap<Row, CsvRecord> = new Map(),
): string {
  const layout = widen(before, spec)
  const old = new Map<string, CsvRecord>()
  for (const record of layout.records) {
    const key = keyOfRecord(layout, record, spec)
    if (key !== undefined) old.set(key, record)
  }
  const lines = new Map<string, Line>()
  rows.forEach((row, i) => {
    const key = keyOfRow(row, spec)
    lines.set(key ?? `\0${i}`, lineOfRow(layout, spec, row, key === undefined ? records.get(row) : old.get(key)))
  })
  return textOf(layout, spec, [...lines.values()])
}
