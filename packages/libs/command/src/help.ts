import { commonSchema, describeSchema, type SchemaRow, sampleIni } from '@nightpipe/config'
import type { TableSpec } from '@nightpipe/table'
import { EXIT_CODES } from './exit.js'
import { COMMON_FLAGS, flagsOf } from './flags.js'
import { reportTable } from './report.js'
import { fullSchema } from './settings.js'
import { calledAs } from './subcommands.js'
import type { Command, Example, FlagSpec } from './types.js'
import { VERSION } from './version.js'

const WIDTH = 100

/** Everything about a command in plain data: the manual, completion and --help are made from it. */
export interface Description {
  name: string
  version: string
  summary: string
  description: string
  usage: string
  examples: Example[]
  flags: (FlagSpec & { name: string; common: boolean })[]
  config: SchemaRow[]
  measurements: { name: string; type: string; unit: string; doc: string }[]
  /** its report, then its state tables */
  tables: TableSpec[]
  /** an INI with every key at its default, commented */
  sample: string
  exitCodes: { code: number; meaning: string }[]
}

export function describe(command: Command): Description {
  const flags = Object.entries(flagsOf(command)).filter(([, spec]) => !spec.hidden)
  const input = command.inputs === 'none' ? '' : ' --input PATH…'
  return {
    name: calledAs(command),
    version: VERSION,
    summary: command.summary,
    description: command.description ?? '',
    usage: `${calledAs(command)}${input}${command.prints ? '' : ' --output DIR'} [--config FILE.ini] [flags]`,
    examples: (command.examples ?? []).map((e) => (typeof e === 'string' ? { run: e, doc: '' } : e)),
    flags: flags.map(([name, { hidden: _, ...spec }]) => ({ name, ...spec, common: name in COMMON_FLAGS })),
    config: configRows(command),
    measurements: command.measurements.map(({ name, type = 'number', unit = '', doc }) => ({ name, type, unit, doc })),
    tables: [reportTable(command.name, command.measurements), ...(command.tables ?? [])],
    sample: sampleIni(fullSchema(command), `${calledAs(command)}: ${command.summary}`),
    exitCodes: EXIT_CODES.map(([code, meaning]) => ({ code, meaning })),
  }
}

/** The sections of the command first, then those that every INI has. */
function configRows(command: Command): SchemaRow[] {
  const rows = describeSchema(fullSchema(command))
  const common = (row: SchemaRow) => row.section in commonSchema
  return [...rows.filter((row) => !common(row)), ...rows.filter(common)]
}

/** What `--help` prints: readable at three in the morning. */
export function helpText(command: Command, width = WIDTH): string {
  const about = describe(command)
  const blocks = [
    [`${about.name}: ${about.summary}`, '', `  ${about.usage}`],
    about.description.split(/\n{2,}/).flatMap((text, k) => [...(k ? [''] : []), ...wrap(text, width, '')]),
    titled(
      'Examples',
      about.examples.flatMap(({ run, doc }) => [...(doc ? [`  # ${doc}`] : []), `  ${run}`]),
    ),
    titled(
      'Flags',
      columns(
        about.flags.map((flag) => [flagHead(flag), flagDoc(flag)]),
        width,
        32,
      ),
    ),
    titled('Configuration (INI; --print-config prints what is in force)', configLines(about.config, width)),
    titled(`Columns of the report, DIR/${command.name}.csv`, reportLines(about, width)),
    titled(
      'Exit codes',
      columns(
        about.exitCodes.map(({ code, meaning }) => [String(code), meaning]),
        width,
        8,
      ),
    ),
  ]
  return `${blocks
    .filter((lines) => lines.some((line) => line !== ''))
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

const titled = (title: string, lines: string[]) => (lines.length ? [`${title}:`, ...lines] : [])

function flagHead({ name, alias, type, placeholder, choices }: FlagSpec & { name: string }): string {
  const open = type === 'integer' || type === 'number' ? 'N' : 'VALUE'
  const value = type === 'flag' ? '' : ` ${placeholder ?? choices?.join('|') ?? open}`
  return `${alias ? `-${alias}, ` : '    '}--${name}${value}`
}

const flagDoc = ({ doc, choices, placeholder, config }: FlagSpec) =>
  doc +
  (choices && placeholder && !doc.includes(choices[0]!) ? ` (${choices.join(', ')})` : '') +
  (config ? ` [${config} of the INI]` : '')

/** Keys under their sections, each with its default, what it expects and what it means. */
function configLines(rows: readonly SchemaRow[], width: number): string[] {
  const sections = [...new Set(rows.map((row) => row.section))]
  return sections.flatMap((section) => {
    const keys = rows.filter((row) => row.section === section)
    const entries = keys.map((row): [string, string] => [
      row.required ? `${row.key} (required)` : `${row.key} = ${row.default}`.trimEnd(),
      `${row.doc}: ${row.expects}`,
    ])
    return [`  [${section}]`, ...columns(entries, width, 32, 4)]
  })
}

function reportLines({ measurements }: Description, width: number): string[] {
  const own = measurements.map(({ name, unit, doc }): [string, string] => [name, unit ? `${doc}, in ${unit}` : doc])
  const first: [string, string][] = [
    ['input', 'a row for each input; the path is relative to the report'],
    ['status', 'done, rejected (a quality rule set it aside) or failed'],
    ['reason', 'why it was rejected or failed'],
    ['product', 'what was made of it, relative to the report'],
    ['seconds', 'time that the job took'],
  ]
  return columns([...first, ...own], width, 24)
}

/** Two columns; a head that is too long stands on a line of its own. */
function columns(entries: readonly (readonly [string, string])[], width: number, at: number, indent = 2): string[] {
  return entries.flatMap(([head, text]) => {
    const left = ' '.repeat(indent) + head
    const lines = wrap(text, width, ' '.repeat(at))
    if (left.length > at - 2) return [left, ...lines]
    return [left.padEnd(at) + (lines[0] ?? '').slice(at), ...lines.slice(1)]
  })
}

function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line.length > indent.length && line.length + word.length + 1 > width) {
      lines.push(line)
      line = indent
    }
    line += line.length > indent.length ? ` ${word}` : word
  }
  return line.length > indent.length ? [...lines, line] : lines
}
