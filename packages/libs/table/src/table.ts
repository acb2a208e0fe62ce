import { DataError, explainSystemError, withLock, writeAtomically } from '@nightpipe/files'
import { type CsvRecord, textOfTable } from './csv.js'
import type { Cell, RowOf, TableSpec } from './define.js'
import { appendLines } from './grow.js'
import { type Layout, layOut, rowAt } from './layout.js'
import { keyOfRow, textOfRows, textWithRows } from './rewrite.js'

export interface ReadOptions {
  /** a file that does not exist is a table without rows */
  orEmpty?: boolean
  /** called for every cell that is not what its column declares, which is then missing; without it, the first one is an error */
  onProblem?: (error: DataError) => void
}
export interface EditOptions {
  /** how long to wait for another process that is changing the table */
  timeoutSeconds?: number
}

/** The rows of a table in the order of the file; where a key stands twice, the last one counts. */
export function readTable<const T extends TableSpec>(
  path: string,
  spec: T,
  { orEmpty = false, onProblem }: ReadOptions = {},
): RowOf<T>[] {
  const text = textOfTable(path)
  if (text === undefined && !orEmpty) throw new DataError(`no table ${path}`, 'check the path')
  return parseTable(text ?? '', path, spec, onProblem)
}

/** The same from a text; `path` is for messages. */
export function parseTable<const T extends TableSpec>(
  text: string,
  path: string,
  spec: T,
  onProblem?: (error: DataError) => void,
): RowOf<T>[] {
  return [...parsed(layOut(text, path, spec), spec, onProblem).keys()] as RowOf<T>[]
}

/** The rows of a table, and what each was read from. */
function parsed(layout: Layout, spec: TableSpec, onProblem?: (error: DataError) => void) {
  const rows = new Map<string, [Record<string, Cell>, CsvRecord]>()
  layout.records.forEach((record, i) => {
    const row = rowAt(layout, record, spec, onProblem)
    rows.set(keyOfRow(row, spec) ?? `\0${i}`, [row, record])
  })
  return new Map(rows.values())
}

/**
 * Adds rows; one whose key is in the table already replaces that row, so that doing it twice changes nothing. All that
 * the table holds besides stays as it is spelt. Safe with any number of processes at once.
 */
export async function upsertRows<const T extends TableSpec>(
  path: string,
  spec: T,
  rows: readonly RowOf<T>[],
  options: EditOptions = {},
): Promise<void> {
  await rewrite(path, spec, options, (layout) => textWithRows(layout, spec, rows as readonly Record<string, Cell>[]))
}

/**
 * Adds rows whose keys are not in the table yet, at its end, without reading what it holds: for tables of many thousand rows
 * that grow one by one, and so stand in the order in which they came (`sort: []`). A last line that was torn by a kill is taken
 * off first. Rows of other columns than the table has go the way of `upsertRows`.
 */
export async function appendRows<const T extends TableSpec>(
  path: string,
  spec: T,
  rows: readonly RowOf<T>[],
  options: EditOptions = {},
): Promise<void> {
  if ((spec.sort ?? spec.key).length > 0)
    throw new RangeError(`${spec.name} is sorted: rows at its end would be out of order`)
  const grown = await withLock(
    path,
    async () => appendLines(path, spec, rows as readonly Record<string, Cell>[]),
    options,
  )
  if (!grown) await upsertRows(path, spec, rows, options)
}

/** Reads all rows, lets `edit` change them, writes what it returns; nobody else changes the table meanwhile. */
export async function editTable<const T extends TableSpec>(
  path: string,
  spec: T,
  edit: (rows: RowOf<T>[]) => RowOf<T>[] | Promise<RowOf<T>[]>,
  options: EditOptions = {},
): Promise<void> {
  await rewrite(path, spec, options, async (layout) => {
    const records = parsed(layout, spec)
    const rows = await edit([...records.keys()] as RowOf<T>[])
    return textOfRows(layout, spec, rows as Record<string, Cell>[], records)
  })
}

async function rewrite(
  path: string,
  spec: TableSpec,
  options: EditOptions,
  change: (layout: Layout) => string | Promise<string>,
): Promise<void> {
  try {
    await withLock(
      path,
      async (lock) => {
        const before = textOfTable(path)
        const after = await change(layOut(before ?? '', path, spec))
        if (after === before) return
        lock.check()
        writeAtomically(path, after)
      },
      options,
    )
  } catch (error) {
    throw explainSystemError(error, 'change', path)
  }
}
