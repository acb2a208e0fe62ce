import type { Worker } from 'node:worker_threads'

/** What the start of a bundle (scripts/bundle-start.cjs) left for the command. */
const PLACE = Symbol.for('nightpipe.ahead')
type Left = { kind: 'thread' | 'helper'; workers: Worker[] }

/** The heap that such a thread may have, MB: as much as the default of `--memory` allows. */
export const HEAP_MB = 2048

/** Inputs smaller than this together are worked on in one thread: starting others would take longer. */
export const SMALL_BYTES = 4 * 2 ** 20

/** What a helper is before it is told what to do. */
export const WAITING = `const { parentPort } = require('node:worker_threads')
parentPort.once('message', ({ program, data }) => new Function('require', 'data', program)(require, data))`

/** One of the threads of this kind that were started before the command was loaded, as long as there are any. */
export function startedAhead(kind: Left['kind']): Worker | undefined {
  const left = (globalThis as { [PLACE]?: Left })[PLACE]
  return left?.kind === kind ? left.workers.shift() : undefined
}
