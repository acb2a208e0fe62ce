import { DataError } from '@nightpipe/files'
import { compareCells } from './cells.js'
import { textOfTable } from './csv.js'
import type { Cell, TableSpec } from './define.js'
import { cellAt, type Layout, layOut } from './layout.js'
import { keyOfRow } from './rewrite.js'

export interface TableProblem {
  /** in the file, from 1; 0 for the table as a whole */
  line: number
  column?: string
  problem: string
}

/** All that is wrong with a table: cells that cannot be read, missing ones, keys that stand twice, rows out of order. */
export function checkTable(path: string, spec: TableSpec): TableProblem[] {
  const text = textOfTable(path)
  if (text === undefined) return [{ line: 0, problem: 'no such file' }]
  try {
    return checkLayout(layOut(text, path, spec), spec)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    const at = /^.*:(\d+): /.exec(error.message)
    return [{ line: Number(at?.[1] ?? 0), problem: at ? error.message.slice(at[0].length) : error.message }]
  }
}

function checkLayout(layout: Layout, spec: TableSpec): TableProblem[] {
  const problems: TableProblem[] = []
  const seen = new Map<string, number>()
  let last: Record<string, Cell> | undefined
  for (const record of layout.records) {
    const row: Record<string, Cell> = {}
    const wrong = problems.length
    spec.columns.forEach((column, i) => {
      try {
        row[column.name] = cellAt(layout, record, spec, i)
      } catch (error) {
        const problem = (error as Error).message.replace(/^.*?:\d+: [^:]*: /, '')
        problems.push({ line: record.line, column: column.name, problem })
      }
    })
    if (problems.length > wrong) continue
    const key = keyOfRow(row, spec)
    const before = key === undefined ? undefined : seen.get(key)
    if (before) problems.push({ line: record.line, problem: `the same ${spec.key.join(', ')} as line ${before}` })
    if (key !== undefined) seen.set(key, record.line)
    const order = spec.sort ?? spec.key
    if (last && isAfter(last, row, order))
      problems.push({ line: record.line, problem: `not sorted by ${order.join(', ')}` })
    last = row
  }
  return problems
}

function isAfter(a: Record<string, Cell>, b: Record<string, Cell>, order: readonly string[]): boolean {
  for (const name of order) {
    const n = compareCells(a[name], b[name])
    if (n !== 0) return n > 0
  }
  return false
}
