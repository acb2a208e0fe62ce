import { ConfigError } from '@nightpipe/files'
import type { Command } from './types.js'

/** What a person types to call it, and what its products name: `simulate imaging`. */
export const calledAs = ({ name, subcommand }: Pick<Command, 'name' | 'subcommand'>) =>
  subcommand ? `${name} ${subcommand}` : name

/** The command that the first argument names, and the arguments that are for it; undefined when none is named. */
export function chooseSubcommand(
  commands: readonly Command[],
  args: readonly string[],
): { command: Command; args: readonly string[] } | undefined {
  const [first] = commands
  if (!first) throw new TypeError('main needs a command')
  if (commands.length === 1 && !first.subcommand) return { command: first, args }
  const [word] = args
  const command = commands.find(({ subcommand }) => subcommand !== undefined && subcommand === word)
  if (command) return { command, args: args.slice(1) }
  // One of them may be meant where none is named: `gp1 --config …` beside `gp1 status`.
  const usual = commands.find(({ subcommand }) => subcommand === undefined)
  if (usual && (word === undefined || word.startsWith('-'))) return { command: usual, args }
  if (args.some((arg) => ['--help', '-h', '--describe', '--version'].includes(arg))) return undefined
  const known = commands.flatMap(({ subcommand }) => subcommand ?? []).join(', ')
  if (word === undefined || word.startsWith('-')) {
    throw new ConfigError(`what to ${first.name} comes first`, `one of: ${known}`)
  }
  throw new ConfigError(`unknown subcommand '${word}' (known: ${known})`)
}

/** --help of a name that has subcommands. */
export function familyHelp(commands: readonly Command[]): string {
  const heads = commands.map(calledAs)
  const width = Math.max(...heads.map((head) => head.length))
  const lines = commands.map(({ summary }, k) => `  ${heads[k]!.padEnd(width)}  ${summary}`)
  return `${commands[0]!.name}:\n${lines.join('\n')}\n\n${heads[0]} --help shows the flags and the configuration of one.\n`
}
