import { isMainThread } from 'node:worker_threads'
import type { Schema } from '@nightpipe/config'
import { takeReadyMade } from '@nightpipe/kernels'
import { answerCall } from './answer.js'
import { compiledAhead } from './compiled-kernels.js'
import type { Command } from './types.js'
import { writeOut } from './write-out.js'

/**
 * Runs a command as a process: the only function of the toolkit, with `serveCalls`, that reads the command line, prints,
 * and exits. Commands with subcommands come as a list: the first argument chooses.
 */
export async function main<S extends Schema, J>(command: Command<S, J> | readonly Command[]): Promise<void> {
  const commands = Array.isArray(command) ? (command as readonly Command[]) : [command as unknown as Command]
  if (!isMainThread) return (await import('./thread.js')).serveThread(commands)
  takeReadyMade(compiledAhead)
  const print = (text: string) => writeOut('stdout', text)
  const say = (text: string) => void writeOut('stderr', text)
  process.exit(await answerCall(commands, process.argv.slice(2), { print, say }))
}
