import type { Schema } from '@nightpipe/config'
import { COMMON_FLAGS } from './flags.js'
import type { Command, Conductor } from './types.js'

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const COLUMN = /^[a-z][a-z0-9_]*$/

/** Checks what the types cannot, at once and not at the first use, and gives the command back with its types. */
export function defineCommand<S extends Schema, J>(command: Command<S, J>): Command<S, J> {
  const wrong = (what: string) => new TypeError(`command ${command.name}: ${what}`)
  if (!NAME.test(command.name)) throw wrong('a name is lower-case words with hyphens')
  if (command.subcommand && !NAME.test(command.subcommand)) throw wrong('so is the name of a subcommand')
  const taken = new Set<string>()
  for (const [name, { alias }] of Object.entries(COMMON_FLAGS)) taken.add(name).add(alias ?? name)
  for (const [name, { alias }] of Object.entries(command.flags ?? {})) {
    // the calls of older pipelines have some with underscores
    if (!NAME.test(name.replaceAll('_', '-'))) throw wrong(`flag '${name}' is not lower-case words with hyphens`)
    for (const word of alias ? [name, alias] : [name]) {
      if (taken.has(word)) throw wrong(`flag '${word}' exists already`)
      taken.add(word)
    }
  }
  const columns = new Set(['input', 'status', 'reason', 'product', 'seconds'])
  for (const { name } of command.measurements) {
    if (!COLUMN.test(name) || columns.has(name)) throw wrong(`'${name}' cannot be the name of a measurement`)
    columns.add(name)
  }
  return command
}

/** The same for a command that starts others: it has no jobs of its own. */
export function defineConductor<S extends Schema>(conductor: Conductor<S>): Command<S, never> {
  const none = () => {
    throw new TypeError(`${conductor.name} has no jobs`)
  }
  return defineCommand<S, never>({ ...conductor, parallel: 'strips', plan: none, job: none } as Command<S, never>)
}
