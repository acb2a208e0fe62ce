import { isMainThread } from 'node:worker_threads'
import type { Schema } from '@nightpipe/config'
import { takeReadyMade } from '@nightpipe/kernels'
import { answerCall } from './answer.js'
import { compiledAhead } from './compiled-kernels.js'
import type { Command } from './types.js'

/**
 * Runs a command as a process: the only function of the toolkit, with `serveCalls`, that reads the command line, prints,
 * and exits. Commands with subcommands come as a list: the first argument chooses.
 */
export async function main<S extends Schema, J>(command: Command<S, J> | readonly Command[]): Promise<void> {
  const commands = Array.isArray(command) ? (command as readonly Command[]) : [command as unknown as Command]
  if (!isMainThread) return (await import('./thread.js')).serveThread(commands)
  takeReadyMade(compiledAhead)
  const say = (text: string) => heeded('stderr').write(text)
  process.exit(await answerCall(commands, process.argv.slice(2), { print, say }))
}

const used = new Set<string>()

/** A stream of the process, made when it is first written to; that its reader went away is not our matter. */
function heeded(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  if (!used.has(name)) process[name].on('error', () => {})
  used.add(name)
  return process[name]
}

/** Resolves when the text is on its way, also when nobody reads it any more (`| head -1`). */
const print = (text: string) =>
  new Promise<void>((resolve) => {
    if (text === '') resolve()
    else heeded('stdout').write(text, () => resolve())
  })
