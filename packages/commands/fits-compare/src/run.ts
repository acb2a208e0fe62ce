import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ConfigError, DataError, VERSION } from '@nightpipe/command'
import { description, FLAGS, helpText } from './about.js'
import { compareFits } from './compare-files.js'
import type { Difference, Tolerances } from './difference.js'

/** What goes to standard output, and the exit code. */
export interface Answer {
  text: string
  code: number
}

interface Wishes extends Tolerances {
  json?: boolean
  quiet?: boolean
  help?: boolean
  version?: boolean
  operands: string[]
}

export async function run(args: readonly string[]): Promise<Answer> {
  if (args.includes('--describe')) return { text: `${JSON.stringify(description())}\n`, code: 0 }
  const wishes = await parse(args)
  if (wishes.help) return { text: helpText(), code: 0 }
  if (wishes.version) return { text: `fits-compare ${VERSION}\n`, code: 0 }
  const [a, b, ...rest] = wishes.operands
  if (a === undefined || b === undefined || rest.length > 0) {
    throw new ConfigError(
      `two files or two folders are needed, ${wishes.operands.length} given`,
      'fits-compare A B; see --help',
    )
  }
  const pairs = pairsOf(a, b)
  const found = pairs.flatMap(({ name, paths }) => comparePair(name, paths, wishes))
  const text = wishes.quiet
    ? ''
    : wishes.json
      ? found.map((d) => `${JSON.stringify(d)}\n`).join('')
      : asTable(found, pairs.length > 1)
  return { text, code: found.length === 0 ? 0 : 4 }
}

async function parse(args: readonly string[]): Promise<Wishes> {
  const { default: yargs } = await import('yargs')
  const parser = yargs()
    .parserConfiguration({ 'greedy-arrays': true, 'parse-positional-numbers': false, 'boolean-negation': false })
    .locale('en')
    .help(false)
    .version(false)
    .exitProcess(false)
    .strictOptions()
    .fail((message, error) => {
      if (error && error.name !== 'YError') throw error
      throw new ConfigError(message ?? error.message, '--help shows the flags')
    })
  for (const flag of FLAGS) {
    const kind =
      flag.type === 'flag' ? { boolean: true } : { string: true, array: flag.type === 'list', requiresArg: true }
    parser.option(flag.name, { ...kind, ...('alias' in flag ? { alias: flag.alias } : {}) } as object)
  }
  const given = (await parser.parseAsync([...args])) as Record<string, unknown>
  const number = (name: string) => {
    const value = given[name] === undefined ? 0 : Number(given[name])
    if (!(value >= 0)) throw new ConfigError(`--${name} ${String(given[name])}: expected a number of at least 0`)
    return value
  }
  const ignore = ((given.ignore as string[] | undefined) ?? []).flatMap((word) => word.split(','))
  return {
    ...{ absolute: number('absolute'), relative: number('relative'), ignore },
    ...{
      json: given.json === true,
      quiet: given.quiet === true,
      help: given.help === true,
      version: given.version === true,
    },
    operands: (given._ as unknown[]).map(String),
  }
}

interface Pair {
  name: string
  /** Undefined: there is none on that side. */
  paths: [string | undefined, string | undefined]
}

/** Two files, or the files of two folders by name. */
function pairsOf(a: string, b: string): Pair[] {
  for (const path of [a, b]) if (!existsSync(path)) throw new DataError(`${path} does not exist`, 'check the path')
  const [folderA, folderB] = [a, b].map((path) => statSync(path).isDirectory())
  if (folderA !== folderB)
    throw new ConfigError(`${folderA ? a : b} is a folder but ${folderA ? b : a} is a file`, 'compare two of a kind')
  if (!folderA) return [{ name: basename(a), paths: [a, b] }]
  const [left, right] = [a, b].map(fitsFiles)
  const names = [...new Set([...left, ...right])].sort()
  if (names.length === 0) throw new DataError(`neither ${a} nor ${b} holds a FITS file`)
  const on = (folder: string, files: string[], name: string) => (files.includes(name) ? join(folder, name) : undefined)
  return names.map((name) => ({ name, paths: [on(a, left, name), on(b, right, name)] }))
}

const fitsFiles = (folder: string) => readdirSync(folder).filter((name) => /\.(fits?|fts)(\.gz|\.fz)?$/i.test(name))

function comparePair(name: string, [a, b]: Pair['paths'], tolerances: Tolerances): (Difference & { file: string })[] {
  if (a === undefined || b === undefined) {
    return [
      {
        file: name,
        hdu: '',
        kind: 'structure',
        where: 'file',
        a: a ? 'there' : '-',
        b: b ? 'there' : '-',
        note: a ? 'only in A' : 'only in B',
      },
    ]
  }
  return compareFits(a, b, tolerances).map((difference) => ({ file: name, ...difference }))
}

function asTable(found: (Difference & { file: string })[], several: boolean): string {
  if (found.length === 0) return ''
  const short = (text: string) => (text.length > 40 ? `${text.slice(0, 39)}…` : text).replaceAll('\n', ' ')
  const rows = found.map((d) => [...(several ? [d.file] : []), d.hdu, d.kind, d.where, short(d.a), short(d.b), d.note])
  const head = [...(several ? ['file'] : []), 'hdu', 'kind', 'where', 'A', 'B', 'note']
  const widths = head.map((title, k) => Math.max(title.length, ...rows.map((row) => row[k].length)))
  const line = (cells: string[]) =>
    cells
      .map((cell, k) => cell.padEnd(widths[k]))
      .join('  ')
      .trimEnd()
  return `${[line(head), ...rows.map(line)].join('\n')}\n`
}
