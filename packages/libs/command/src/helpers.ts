import { Worker } from 'node:worker_threads'
import { HELPER_PROGRAM, nextHelper, withoutHelpers } from '@nightpipe/kernels'
import { startedAhead, WAITING } from './started-ahead.js'

/** Threads that take part in the kernels of this one (`together`), and know nothing else. They start at once. */
export interface Helpers {
  count: number
  stop(): void
}

export function startHelpers(count: number): Helpers {
  const workers = Array.from({ length: count }, () => {
    const worker = startedAhead('helper') ?? new Worker(WAITING, { eval: true, execArgv: [] })
    worker.postMessage({ program: HELPER_PROGRAM, data: nextHelper() })
    worker.unref() // it waits for work for ever
    return worker
  })
  return {
    count,
    stop() {
      withoutHelpers()
      for (const worker of workers) void worker.terminate()
    },
  }
}
