import { readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { MainLog } from './log.js'
import { idleThreads } from './pool.js'
import type { Command } from './types.js'
import { SMALL_BYTES, sizeOf } from './work.js'

/** Flags that say how many threads there are to be and how large, or that nothing is to be made. */
const DECIDING = ['--workers', '--memory', '--dry-run', '--print-config', '--version']

/**
 * Starts the threads of a command that works on strips before its command line is understood, where the first input that
 * it names is not small: they take as long to start as the command takes to plan. Whatever is not plain to see waits for
 * `startThreadsAhead`.
 */
export function startThreadsEarly(command: Command, args: readonly string[], log: MainLog): void {
  if (command.parallel !== 'strips' || !command.tasks || command.conduct) return
  if (args.some((word) => DECIDING.includes(word.split('=')[0]!))) return
  const input = args[args.findIndex((word) => word === '-s' || word === '--input') + 1]
  const workers = availableParallelism()
  if (workers > 1 && input !== args[0] && input && isLarge(input)) idleThreads(workers - 1, log)
}

function isLarge(input: string): boolean {
  try {
    const paths = statSync(input).isDirectory() ? readdirSync(input).map((name) => join(input, name)) : [input]
    return sizeOf(paths) > SMALL_BYTES
  } catch {
    return false // it is no path, or not there: told when the command line is read
  }
}
