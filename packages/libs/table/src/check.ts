import { DataError } from '@nightpipe/files'
import { compareCells } from './cells.js'
import { parseCsv, textOfTable } from './csv.js'
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
  return problemsIn(path, (text) => checkLayout(layOut(text, path, spec), spec))
}

/** What is wrong with the form of any CSV file: text, quotes, rows that are not as long as the header. */
export function checkForm(path: string): TableProblem[] {
  return problemsIn(path, (text) => {
    const [header, ...rows] = parseCsv(text, path)
    const width = header?.cells.length ?? 0
    const odd = rows.filter(({ cells }) => cells.length !== width)
    return odd.map(({ cells, line }) => ({ line, problem: `${cells.length} cells, the header has ${width}` }))
  })
}

/** With what makes the file unreadable as one of its problems. */
function problemsIn(path: string, check: (text: string) => TableProblem[]): TableProblem[] {
  try {
    const text = textOfTable(path)
    return text === undefined ? [{ line: 0, problem: 'no such file' }] : check(text)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    const about = error.message.startsWith(path) ? error.message.slice(path.length) : error.message
    const [, line = '0', problem = about] = /^:(\d+): (.*)$/s.exec(about) ?? []
    return [{ line: Number(line), problem: problem.trim() }]
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
