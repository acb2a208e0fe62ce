import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Description } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { executable, executables } from './commands.js'

/** An executable that does several things: `simulate imaging`, `simulate echelle`. */
interface Family {
  name: string
  subcommands: Description[]
}

/** Its words were kept when it was built, so that it need not be started. */
function toldBy(command: string): Description | Family {
  const path = join(dirname(executable(command).bin), '../dist/bundle/description.json')
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Description | Family
  } catch {
    throw new DataError(`${command} does not describe itself: ${path} cannot be read`, 'install the toolkit again')
  }
}

/** What an executable says of itself: flags, keys of its INI, columns of its report, tables; for each subcommand. */
export function describeExecutable(name: string): Description[] {
  const told = toldBy(name)
  return 'subcommands' in told ? told.subcommands : [told]
}

/** The same of one command: `reduction`, or `simulate imaging`. */
export function describeCommand(command: string): Description {
  const about = describeExecutable(command.split(' ')[0]!).find(({ name }) => name === command)
  if (!about) throw new DataError(`there is no command '${command}'`, 'nightpipe list shows the commands')
  return about
}

/** All commands but this one. */
export const describeAll = (): Description[] => executables().flatMap(({ name }) => describeExecutable(name))
