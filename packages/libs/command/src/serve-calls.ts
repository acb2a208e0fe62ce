import { createInterface } from 'node:readline'
import { isMainThread } from 'node:worker_threads'
import { takeReadyMade } from '@nightpipe/kernels'
import { answerCall } from './answer.js'
import { compiledAhead } from './compiled-kernels.js'
import { type Known, remember } from './digest.js'
import { keepThreads } from './pool.js'
import { forgetRun } from './run-memory.js'
import type { Command } from './types.js'

/** What a host is asked for, a line of JSON: a command as one types it. */
export interface HostCall {
  command: string
  args: readonly string[]
  /** what the caller knows of files: believed as long as they are not touched */
  digests?: readonly (readonly [string, Known])[]
}

/** What it says, a line of JSON each: what the command writes on its two outputs as it does, then its exit code. */
export type HostWord = { out: string } | { err: string } | { code: number }

/**
 * Runs commands one after the other in this process, as they are asked for on standard input, until that ends. What V8
 * compiled for one serves the next, and worker threads stay; else each runs as if it were a process of its own.
 */
export async function serveCalls(families: Readonly<Record<string, readonly Command[]>>): Promise<void> {
  if (!isMainThread) return (await import('./thread.js')).serveThread(Object.values(families).flat())
  takeReadyMade(compiledAhead)
  keepThreads()
  const tell = (word: HostWord) => process.stdout.write(`${JSON.stringify(word)}\n`)
  const print = async (out: string) => void (out && tell({ out }))
  const say = (err: string) => void tell({ err })
  process.stdout.on('error', () => {}) // nobody listens any more: what was begun is brought to its end
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, args, digests = [] } = JSON.parse(line) as HostCall
    forgetRun()
    for (const [path, what] of digests) remember(path, what)
    tell({ code: await answerCall(families[command]!, args, { print, say }) })
  }
  process.exit(0)
}
