import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DataError, type Log, type Ran, runCommand } from '@nightpipe/command'
import type { InstrumentProfile } from '@nightpipe/config'
import { writeAtomically } from '@nightpipe/files'
import { inTree, type Tree, treeOf } from '@nightpipe/spectrographs'
import { parseCsv, textOfTable } from '@nightpipe/table'

/** Where commands are run, and how. */
export interface Chain {
  tree: Tree
  profile: InstrumentProfile
  workers: number
  memoryBytes: number
  force: boolean
  signal: AbortSignal
  log: Log
  /** runs a command (default: as a process of its own) */
  run?(command: string, args: readonly string[], signal?: AbortSignal): Promise<Ran>
  /** tells of a call as it is made: a line that a shell takes */
  tell(line: string): void
}

/** What came of a call. */
export interface Called {
  code: number
  /** what it printed: paths of products */
  products: string[]
  /** its messages, the first one that is an error first */
  message?: string
}

/** A word as a POSIX shell takes it. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** Paths as one would type them here. */
const fromHere = (word: string) => word.replace(/^(@?)(\/.*)$/, (_, at: string, path: string) => at + shorter(path))
export const shorter = (path: string): string =>
  path.startsWith(`${process.cwd()}/`) ? path.slice(process.cwd().length + 1) : path

/** The flags by which a command works in this tree, with its INI of config/ where there is one: as few as say it all. */
export function treeArguments({ tree, profile }: Pick<Chain, 'tree' | 'profile'>, command: string): string[] {
  const ini = inTree(tree, 'config', `${command}.ini`)
  const implied = treeOf({ tree: tree.folder })!
  const remembered = textOfTable(inTree(tree, 'config', 'tree.ini')) ?? ''
  const known = remembered.split('\n').some((line) => line.trim() === `profile = ${profile.reference}`)
  return [
    ...['--tree', tree.folder],
    ...(implied.site === tree.site ? [] : ['--site', tree.site]),
    ...(implied.instrument === tree.instrument ? [] : ['--nres-instrument', tree.instrument]),
    ...(tree.camera ? ['--camera', tree.camera] : []),
    ...(existsSync(ini) ? ['--config', ini] : []),
    ...(known || profile.name === 'generic' ? [] : ['--set', `instrument.profile=${profile.reference}`]),
  ]
}

/** Runs a command in the tree, as a person would at the shell, and says so. */
export async function call(chain: Chain, command: string, args: readonly string[]): Promise<Called> {
  const all = [...args, ...treeArguments(chain, command)]
  chain.tell([command, ...all].map((word) => quoted(fromHere(word))).join(' '))
  const how = ['--workers', String(chain.workers), '--memory', String(chain.memoryBytes), '--log-format', 'json']
  const { code, products, stderr } = await (chain.run ?? runCommand)(
    command,
    [...all, ...how, ...(chain.force ? ['--force'] : [])],
    chain.signal,
  )
  const said = stderr.split('\n').filter(Boolean).map(messageOf)
  for (const { level, text } of said) if (level === 'warning') chain.log.detail(`${command}: ${text}`)
  const message = said.find(({ level }) => level === 'error')?.text
  if (code === 1) throw new DataError(`${command} broke down: ${message ?? 'no message'}`, 'this is a bug of it')
  return { code, products, ...(message ? { message } : {}) }
}

function messageOf(line: string): { level: string; text: string } {
  try {
    const { level = 'info', message = line } = JSON.parse(line) as Record<string, string>
    return { level, text: message }
  } catch {
    return { level: 'error', text: line }
  }
}

/** A list of paths for `--input @list`: long ones do not fit on a command line. */
export function inputList({ tree }: Chain, name: string, paths: readonly string[]): string {
  const folder = inTree(tree, 'temp', 'lists')
  mkdirSync(folder, { recursive: true })
  const list = join(folder, `${name}.list`)
  writeAtomically(list, paths.map((path) => `${path}\n`).join(''))
  return `@${list}`
}

/** A row of the report of a command, as text; its product as an absolute path. */
export type ReportRow = Record<string, string>

/** Where in a tree commands keep their reports: never in csv/, where the state is. */
const REPORT_FOLDERS = [
  '.',
  'temp',
  'temp/red',
  'temp/extr',
  'temp/wave',
  'temp/stack',
  'trace',
  'spec',
  'thar',
  'rv',
  'tar',
]

/** The newest report of a command in the tree, by the last part of the names of its inputs. */
export function reportOf({ tree }: Pick<Chain, 'tree'>, command: string): Map<string, ReportRow> {
  const all = REPORT_FOLDERS.map((folder) => join(tree.folder, folder, `${command}.csv`)).filter((path) =>
    existsSync(path),
  )
  const [path] = all.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  if (path === undefined) return new Map()
  const [header, ...records] = parseCsv(textOfTable(path) ?? '', path)
  const names = header?.cells ?? []
  const rows = records.map(({ cells }) => Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ''])))
  for (const row of rows) if (row.product) row.product = resolve(dirname(path), row.product)
  return new Map(rows.map((row) => [row.input!.slice(row.input!.lastIndexOf('/') + 1), row]))
}
