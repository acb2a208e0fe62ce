import { basename } from 'node:path'
import { ConfigError, DataError, expandInputs } from '@nightpipe/files'
import {
  alignColumns,
  checkForm,
  checkTable,
  parseCsv,
  type TableProblem,
  type TableSpec,
  textOfTable,
} from '@nightpipe/table'
import { describeAll } from './describe.js'
import { print } from './print.js'
import type { Parsed, Verb } from './verb.js'

export const tables: Verb = {
  name: 'tables',
  usage: 'tables check|show PATH… [--columns a,b] [--last N] [--json]',
  summary: 'check or show the state tables of a night',
  description: `check: says what is wrong with each table, by line and column: cells that are not what their column declares, missing
ones, keys that stand twice, rows out of order. Exit 4 when something is wrong. Reports and tables of the commands are
known by their file name; of others only the form is checked. PATH may be a folder: all tables below it.
show: prints a table in columns.`,
  flags: {
    columns: { type: 'string', placeholder: 'a,b', doc: 'show: only these columns, in this order' },
    last: { type: 'string', placeholder: 'N', doc: 'show: only the last N rows' },
    json: { type: 'boolean', doc: 'one JSON object a line: a row, or a problem' },
  },
  words: { least: 2, most: Number.POSITIVE_INFINITY },
  async run({ words: [what, ...paths], flags }) {
    if (what !== 'check' && what !== 'show') throw new ConfigError(`tables: '${what}' is neither check nor show`)
    const files = expandInputs(paths, { extensions: ['.csv'] })
    return what === 'check' ? check(files.map(shownPath), flags) : show(files.map(shownPath), flags)
  },
}

const shownPath = ({ shown }: { shown: string }) => shown

async function check(paths: readonly string[], flags: Parsed['flags']): Promise<number> {
  const known = await knownTables()
  let wrong = 0
  for (const path of paths) {
    const spec = known.get(basename(path))
    const problems = spec ? checkTable(path, spec) : checkForm(path)
    wrong += problems.length
    if (flags.json) print(problems.map((problem) => `${JSON.stringify({ path, ...problem })}\n`).join(''))
    else
      print(
        problems.map((problem) => `${problemLine(path, problem)}\n`).join('') || `${path}: ${verdict(path, spec)}\n`,
      )
  }
  return wrong ? 4 : 0
}

const problemLine = (path: string, { line, column, problem }: TableProblem) =>
  `${path}${line ? `:${line}` : ''}: ${column ? `${column}: ` : ''}${problem}`

function verdict(path: string, spec: TableSpec | undefined): string {
  const rows = parseCsv(textOfTable(path) ?? '', path).length - 1
  return `whole, ${Math.max(0, rows)} rows${spec ? '' : ' (not one of our tables: only its form was checked)'}`
}

/** Tables of all commands by file name. */
async function knownTables(): Promise<Map<string, TableSpec>> {
  const all = (await describeAll()).flatMap((command) => command.tables)
  return new Map(all.map((spec) => [spec.name.replace(/(\.csv)?$/, '.csv'), spec]))
}

function show(paths: readonly string[], flags: Parsed['flags']): number {
  const last = flags.last === undefined ? Number.POSITIVE_INFINITY : Number(flags.last)
  if (!(last >= 0)) throw new ConfigError(`--last ${flags.last}: expected a number of rows`)
  for (const path of paths) {
    const text = textOfTable(path)
    if (text === undefined) throw new DataError(`no table ${path}`)
    const [header, ...rows] = parseCsv(text, path)
    const names = header?.cells.map((name) => name.trim()) ?? []
    const wanted = columnsWanted(path, names, flags.columns as string | undefined)
    const kept = rows.slice(Math.max(0, rows.length - last)).map(({ cells }) => wanted.map((at) => cells[at] ?? ''))
    const shown = wanted.map((at) => names[at]!)
    if (paths.length > 1 && !flags.json) print(`${path}\n`)
    if (flags.json)
      print(kept.map((row) => `${JSON.stringify(Object.fromEntries(row.map((c, i) => [shown[i], c])))}\n`).join(''))
    else print(alignColumns([shown, ...kept]))
  }
  return 0
}

function columnsWanted(path: string, names: readonly string[], list: string | undefined): number[] {
  if (list === undefined) return names.map((_, at) => at)
  return list.split(',').map((name) => {
    const at = names.indexOf(name.trim())
    if (at < 0) throw new ConfigError(`${path} has no column '${name.trim()}' (it has: ${names.join(', ')})`)
    return at
  })
}
