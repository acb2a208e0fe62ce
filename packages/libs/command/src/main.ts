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
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}) // the reader went away: not our matter
  const code = await answerCall(commands, process.argv.slice(2), { print, say: (text) => process.stderr.write(text) })
  process.exit(code)
}

/** Resolves when the text is on its way, also when nobody reads it any more (`| head -1`). */
const print = (text: string) =>
  new Promise<void>((resolve) => {
    if (text === '') resolve()
    else process.stdout.write(text, () => resolve())
  })
