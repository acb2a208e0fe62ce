import type { Description } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { executables } from './commands.js'
import { runToEnd } from './start.js'

/** An executable that does several things: `simulate imaging`, `simulate echelle`. */
interface Family {
  name: string
  subcommands: Description[]
}

async function ask(command: string): Promise<Description | Family> {
  const { code, stdout, stderr } = await runToEnd(command, ['--describe'])
  try {
    if (code === 0) return JSON.parse(stdout) as Description | Family
  } catch {
    // said below
  }
  throw new DataError(`${command} does not describe itself: ${stderr.trim().split('\n')[0] || `exit ${code}`}`)
}

/** What an executable says of itself: flags, keys of its INI, columns of its report, tables; for each subcommand. */
export async function describeExecutable(name: string): Promise<Description[]> {
  const told = await ask(name)
  return 'subcommands' in told ? told.subcommands : [told]
}

/** The same of one command: `reduction`, or `simulate imaging`. */
export async function describeCommand(command: string): Promise<Description> {
  const about = (await describeExecutable(command.split(' ')[0]!)).find(({ name }) => name === command)
  if (!about) throw new DataError(`there is no command '${command}'`, 'nightpipe list shows the commands')
  return about
}

/** All commands but this one; one that fails to describe itself is told on stderr and left out. */
export async function describeAll(): Promise<Description[]> {
  const names = executables().map(({ name }) => name)
  const told = await Promise.allSettled(names.map(describeExecutable))
  for (const one of told) if (one.status === 'rejected') process.stderr.write(`nightpipe: ${one.reason.message}\n`)
  return told.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
}
