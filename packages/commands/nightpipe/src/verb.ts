import { type ParseArgsConfig, parseArgs } from 'node:util'
import { ConfigError } from '@nightpipe/files'

export interface VerbFlag {
  type: 'boolean' | 'string'
  doc: string
  placeholder?: string
  multiple?: boolean
}

export interface Parsed {
  words: string[]
  flags: Record<string, string | boolean | string[] | undefined>
}

/** Something that the front door does itself: `why`, `doctor`, … */
export interface Verb {
  name: string
  /** behind `nightpipe`: `why FILE…` */
  usage: string
  summary: string
  /** paragraphs for its help */
  description: string
  flags: Readonly<Record<string, VerbFlag>>
  /** how many words it takes */
  words: { least: number; most: number }
  hidden?: boolean
  /** Returns the exit code. */
  run(parsed: Parsed): number | Promise<number>
}

/** Reads the arguments of a verb strictly. */
export function parseVerb(verb: Verb, args: readonly string[]): Parsed {
  const options = Object.fromEntries(
    Object.entries(verb.flags).map(([name, { type, multiple }]) => [name, { type, multiple: multiple ?? false }]),
  ) as ParseArgsConfig['options']
  const usage = `nightpipe ${verb.usage}`
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    } catch (error) {
      const message = (error as Error).message.split(/[.\n]/)[0]!
      throw new ConfigError(`${verb.name}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`, usage)
    }
  }
  const { values, positionals } = parse()
  const { least, most } = verb.words
  if (positionals.length < least) throw new ConfigError(`${verb.name}: something is missing`, usage)
  if (positionals.length > most) throw new ConfigError(`${verb.name}: '${positionals[most]}' is too much`, usage)
  return { words: positionals, flags: values as Parsed['flags'] }
}

export function verbHelp(verb: Verb): string {
  const flags = Object.entries(verb.flags).map(([name, { placeholder, doc }]) => {
    return `  ${`--${name}${placeholder ? ` ${placeholder}` : ''}`.padEnd(24)}${doc}`
  })
  const blocks = [
    `nightpipe ${verb.usage}`,
    verb.summary,
    verb.description,
    ...(flags.length ? [flags.join('\n')] : []),
  ]
  return `${blocks.join('\n\n')}\n`
}
