import { nearestName } from '@nightpipe/config'
import { ConfigError } from '@nightpipe/files'
import { plainFlags } from './plain-flags.js'
import type { Command, FlagSpec } from './types.js'

interface CommonFlag extends FlagSpec {
  hidden?: boolean
}

export const DEFAULT_MEMORY = '2GiB'

/** The flags that every command has. Help, parsing, completion and the manual come from here. */
export const COMMON_FLAGS: Readonly<Record<string, CommonFlag>> = {
  input: {
    type: 'list',
    alias: 's',
    placeholder: 'PATH…',
    doc: "what to work on: folders, files, quoted globs, @lists of paths, or '-' for paths on standard input",
  },
  output: {
    type: 'text',
    alias: 'r',
    placeholder: 'DIR',
    doc: 'folder for the products and the report; made when missing',
  },
  config: {
    type: 'text',
    alias: 'c',
    placeholder: 'FILE.ini',
    doc: 'the configuration; what it does not say has defaults',
  },
  set: {
    type: 'list',
    placeholder: 'section.key=value',
    doc: 'a value of the configuration; wins over the file',
  },
  workers: { type: 'integer', placeholder: 'N', doc: 'threads to work with (default: one for each core)' },
  memory: {
    type: 'text',
    placeholder: 'SIZE',
    doc: `how much memory to use beside the 50MB of Node itself, as 500MB or 2GiB (default: ${DEFAULT_MEMORY})`,
  },
  json: { type: 'flag', doc: 'one JSON object a line on standard output instead of paths' },
  quiet: { type: 'flag', doc: 'no progress and no warnings, only errors' },
  verbose: { type: 'flag', doc: 'more detail, and the trace of an error' },
  'log-format': {
    type: 'text',
    choices: ['text', 'json'],
    doc: 'how messages on standard error are written (default: text)',
  },
  'dry-run': { type: 'flag', doc: 'print what would be done, and do nothing' },
  'print-config': { type: 'flag', doc: 'print the configuration in force, as an INI with units and origins, and stop' },
  force: { type: 'flag', doc: 'make again also the products that are up to date' },
  compress: { type: 'flag', doc: 'compress images by tiles (.fits.fz); [Output] in the INI says how' },
  help: { type: 'flag', alias: 'h', doc: 'this text' },
  version: { type: 'flag', doc: 'the version of the toolkit' },
  describe: { type: 'flag', hidden: true, doc: 'all of this as JSON, for the manual and for completion' },
}

/** All flags of a command, in the order of its help. */
export function flagsOf(command: Pick<Command, 'flags' | 'inputs' | 'prints'>): Record<string, CommonFlag> {
  const { input, ...others } = COMMON_FLAGS
  const all = { ...(command.inputs === 'none' ? {} : { input }), ...command.flags, ...others }
  const making = ['output', 'compress', 'force']
  return command.prints ? Object.fromEntries(Object.entries(all).filter(([name]) => !making.includes(name))) : all
}

type Called = Pick<Command, 'flags' | 'inputs' | 'inputInstead' | 'prints'>

export type FlagValue = string | number | boolean | string[] | undefined
export type Flags = Record<string, FlagValue>

/** Reads the command line strictly: an unknown or malformed flag is an error that names the nearest one. */
export async function parseFlags(command: Called, args: readonly string[]): Promise<Flags> {
  const specs = flagsOf(command)
  const given: Record<string, unknown> = plainFlags(specs, args) ?? (await readByYargs(command, specs, args))
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, flagValue(name, spec, given[name])]))
}

export async function readByYargs(
  command: Called,
  specs: Readonly<Record<string, FlagSpec>>,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const { default: yargs } = await import('yargs')
  const parser = yargs()
    .parserConfiguration({
      'dot-notation': false,
      'camel-case-expansion': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'boolean-negation': false,
      'strip-aliased': true,
    })
    .locale('en')
    .help(false)
    .version(false)
    .exitProcess(false)
    .showHelpOnFail(false)
    .strict()
    .fail((message, error) => {
      if (error && error.name !== 'YError') throw error
      throw new ConfigError(...(inputNotTaken(command, args) ?? explain(message ?? error.message, specs, args)))
    })
  for (const [name, { type, alias }] of Object.entries(specs)) {
    const kind = type === 'flag' ? { boolean: true } : { string: true, array: type === 'list', requiresArg: true }
    parser.option(name, { ...kind, ...(alias ? { alias } : {}) } as object)
  }
  return (await parser.parseAsync(args.map((word) => (word === '-' ? DASH : word)))) as Record<string, unknown>
}

/** Stands for '-' while yargs reads, which would take it for the end of a list. */
const DASH = '\0-'
const undashed = (word: unknown) => String(word).replace(DASH, '-')

function flagValue(name: string, spec: FlagSpec, value: unknown): FlagValue {
  if (value === undefined) return undefined
  if (spec.type === 'list') return (value as unknown[]).map(undashed)
  if (Array.isArray(value)) {
    if (spec.type === 'flag') return value.at(-1) as boolean
    throw new ConfigError(`--${name} is given ${value.length} times`, 'give it once')
  }
  if (spec.type === 'flag') return value as boolean
  const text = undashed(value)
  if (spec.choices && !spec.choices.includes(text)) {
    throw new ConfigError(`--${name} ${text}: expected one of ${spec.choices.join(', ')}`)
  }
  if (spec.type === 'text') return text
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(number) || (spec.type === 'integer' && !Number.isSafeInteger(number))) {
    throw new ConfigError(`--${name} ${text}: expected a ${spec.type === 'integer' ? 'whole ' : ''}number`)
  }
  return number
}

/** For a command that takes no inputs, and is given --input like all the others. */
function inputNotTaken({ inputs, inputInstead }: Called, args: readonly string[]): [string, string] | undefined {
  const typed = args.map((word) => word.split('=')[0]).find((word) => word === '-s' || word === '--input')
  if (inputs !== 'none' || !typed) return undefined
  return [`it takes no ${typed}`, inputInstead ?? SEE_HELP]
}

/** yargs' message as ours, with the flag that was probably meant. */
function explain(
  message: string,
  specs: Readonly<Record<string, FlagSpec>>,
  args: readonly string[],
): [string, string?] {
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ')
  if (unknown) {
    // yargs names an alias and its flag; a word without dashes is a positional argument.
    const first = undashed(unknown[0])
    const near = nearest(first, Object.keys(specs))
    if (near) return [`unknown flag --${first}, did you mean --${near}?`]
    const typed = args.find((word) => word.replace(/^-+/, '').split('=')[0] === first) ?? first
    return typed.startsWith('-')
      ? [`unknown flag ${typed.split('=')[0]}`, SEE_HELP]
      : [`'${first}' belongs to no flag`, 'inputs follow --input; --help shows the flags']
  }
  const lacking = /^Not enough arguments following: (.*)$/.exec(message)?.[1]
  const full = Object.entries(specs).find(([, { alias }]) => alias === lacking)?.[0] ?? lacking
  if (full) return [`--${full} needs a value`, SEE_HELP]
  return [message, SEE_HELP]
}

const SEE_HELP = '--help shows the flags'

/** The known flag nearest to what was typed: the one that begins like it, or differs in a third of its letters at most. */
function nearest(typed: string, known: readonly string[]): string | undefined {
  const word = typed.toLowerCase()
  const begins = known.filter((name) => word.length > 1 && name.startsWith(word))
  if (begins.length === 1) return begins[0]
  return nearestName(word, known)
}

const UNITS: Record<string, number> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
}
const LEAST_MEMORY = 64e6

/** `2GiB`, `500 MB`, `1.5G`, or a plain number of bytes. */
export function parseMemory(text: string): number {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgt]i?)?b?)\s*$/i.exec(text) ?? []
  if (number === undefined) throw new ConfigError(`--memory ${text}: expected a size such as 500MB or 2GiB`)
  const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? 1))
  if (bytes < LEAST_MEMORY) throw new ConfigError(`--memory ${text}: at least 64MB is needed`)
  return bytes
}
