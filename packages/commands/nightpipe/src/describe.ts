import type { Description } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { executables } from './commands.js'
import { runToEnd } from './start.js'

/** What a command says of itself: flags, keys of its INI, columns of its report, tables. */
export async function describeCommand(name: string): Promise<Description> {
  const { code, stdout, stderr } = await runToEnd(name, ['--describe'])
  try {
    if (code === 0) return JSON.parse(stdout) as Description
  } catch {
    // said below
  }
  throw new DataError(`${name} does not describe itself: ${stderr.trim().split('\n')[0] || `exit ${code}`}`)
}

/** All commands but this one; one that fails to describe itself is told on stderr and left out. */
export async function describeAll(): Promise<Description[]> {
  const names = executables().map(({ name }) => name)
  const told = await Promise.allSettled(names.filter((name) => name !== 'nightpipe').map(describeCommand))
  for (const one of told) if (one.status === 'rejected') process.stderr.write(`nightpipe: ${one.reason.message}\n`)
  return told.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}
