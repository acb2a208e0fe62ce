import { basename, dirname, resolve } from 'node:path'
import { ConfigError, DataError, expandInputs } from '@nightpipe/files'
import { TREE_TABLES } from '@nightpipe/spectrographs'
import {
  alignColumns,
  checkForm,
  checkTable,
  parseCsv,
  type TableProblem,
  type TableSpec,
  textOfTable,
} from '@nightpipe/table'
import { CHOOSE_FLAGS, choose } from './choose.js'
import { describeAll } from './describe.js'
import { print } from './print.js'
import type { Parsed, Verb } from './verb.js'

export const tables: Verb = {
  name: 'tables',
  usage: 'tables check|show PATH… [--columns a,b] [--last N] [--json] | tables choose --type TYPE …',
  summary: 'check or show the state tables of a night; which calibration a spectrograph would take, and why',
  description: `check: says what is wrong with each table, by line and column: cells that are not what their column declares, missing
ones, keys that stand twice, rows out of order. Exit 4 when something is wrong. Reports and tables of the commands are
known by their file name; of others only the form is checked. PATH may be a folder: all tables below it.
show: prints a table in columns.
choose: which calibration of a spectrograph tree serves a frame of --camera taken at --date, all candidates and why each won or
lost. Exit 4 when none serves. \`tables choose --type FLAT --site cpt --camera fl13 --date 2017-12-16T22:40:00 --root /data\``,
  flags: {
    columns: { type: 'string', placeholder: 'a,b', doc: 'show: only these columns, in this order' },
    last: { type: 'string', placeholder: 'N', doc: 'show: only the last N rows' },
    json: { type: 'boolean', doc: 'one JSON object a line: a row, a problem, or a candidate' },
    ...CHOOSE_FLAGS,
  },
  words: { least: 1, most: Number.POSITIVE_INFINITY },
  async run({ words: [what, ...paths], flags }) {
    if (what === 'choose' && paths.length === 0) return choose(flags)
    if (what === 'choose') throw new ConfigError(`tables choose: '${paths[0]}' is too much`, '--tree DIR says where')
    if (what !== 'check' && what !== 'show') {
      throw new ConfigError(`tables: '${what}' is neither check nor show`, 'nor choose')
    }
    if (paths.length === 0)
      throw new ConfigError(`tables ${what}: something is missing`, `nightpipe tables ${what} PATH…`)
    const files = expandInputs(paths, { extensions: ['.csv'] })
    return what === 'check' ? check(files.map(shownPath), flags) : show(files.map(shownPath), flags)
  },
}

const shownPath = ({ shown }: { shown: string }) => shown

function check(paths: readonly string[], flags: Parsed['flags']): number {
  const known = knownTables()
  let wrong = 0
  for (const path of paths) {
    const spec = stateTable(path) ?? known.get(basename(path))
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
  const rows = parseCsv(textOfTable(path) ?? '', path, { trim: spec?.layout === 'positional' }).length - 1
  return `whole, ${Math.max(0, rows)} rows${spec ? '' : ' (not one of our tables: only its form was checked)'}`
}

/** The tables of a spectrograph tree lie in its csv/; the report of a command may bear the same name elsewhere. */
const stateTable = (path: string): TableSpec | undefined =>
  basename(dirname(resolve(path))) === 'csv' ? TREE_TABLES.find(({ name }) => name === basename(path)) : undefined

/** Tables of all commands by file name. */
function knownTables(): Map<string, TableSpec> {
  const all = describeAll().flatMap((command) => command.tables)
  return new Map(all.map((spec) => [spec.name.replace(/(\.csv)?$/, '.csv'), spec]))
}

function show(paths: readonly string[], flags: Parsed['flags']): number {
  const last = flags.last === undefined ? Number.POSITIVE_INFINITY : Number(flags.last)
  if (!(last >= 0)) throw new ConfigError(`--last ${flags.last}: expected a number of rows`)
  for (const path of paths) {
    const text = textOfTable(path)
    if (text === undefined) throw new DataError(`no table ${path}`)
    const spec = stateTable(path)
    const [header, ...rows] = parseCsv(text, path, { trim: spec?.layout === 'positional' })
    const names = header?.cells.map((name, at) => spec?.columns[at]?.name ?? name.trim()) ?? []
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
