import { realpathSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { kernels } from '@nightpipe/kernels'
import { type Fault, faultOf } from './exit.js'
import type { MainLog } from './log.js'
import type { Answer, Message, Order, ThreadSetup } from './orders.js'

/** Worker threads that run this same program. They start at once, and one that dies is replaced when it is needed. */
export interface Pool {
  readonly size: number
  /** The next free thread does it. */
  perform(order: Order): Promise<Answer>
  /** Every thread does it. */
  performAll(order: Order): Promise<Answer>[]
  stop(): Promise<void>
}

interface Thread {
  worker: Worker
  settle?: (answer: Answer) => void
}

export function openPool(size: number, setup: ThreadSetup, log: MainLog): Pool {
  kernels() // before the threads: they share the code that was compiled ahead
  const threads: (Thread | undefined)[] = Array.from({ length: size }, (_, k) => start(k))
  const free = threads.map((_, k) => k)
  const waiting: ((k: number) => void)[] = []
  let stopped = false

  function start(k: number): Thread {
    return startThread(setup, log, () => {
      threads[k] = undefined
      return !stopped
    })
  }
  function ask(k: number, order: Order): Promise<Answer> {
    if (stopped) return new Promise(() => {}) // interrupted: the process is about to end
    const thread = threads[k] ?? start(k)
    threads[k] = thread
    return new Promise((settle) => {
      thread.settle = settle
      thread.worker.postMessage(order)
    })
  }

  return {
    size,
    async perform(order) {
      const k = free.pop() ?? (await new Promise<number>((take) => waiting.push(take)))
      const answer = await ask(k, order)
      const next = waiting.shift()
      if (next) next(k)
      else free.push(k)
      return answer
    },
    performAll: (order) => threads.map((_, k) => ask(k, order)),
    async stop() {
      stopped = true
      await Promise.all(threads.map((thread) => thread?.worker.terminate()))
    },
  }
}

/** V8's own heap in a thread; pixels are outside of it. */
const LEAST_HEAP_MB = 256

function startThread(setup: ThreadSetup, log: MainLog, diedAtWork: () => boolean): Thread {
  const heap = Math.max(LEAST_HEAP_MB, Math.floor(setup.memoryBytes / 2 ** 20))
  const worker = new Worker(realpathSync(process.argv[1]!), {
    workerData: setup,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heap },
  })
  const thread: Thread = { worker }
  let fault: Fault | undefined
  const settle = (answer: Answer) => {
    const { settle: done } = thread
    thread.settle = undefined
    done?.(answer)
  }
  worker.on('message', (message: Message) => {
    if (message.kind === 'log') log.say(message.level, message.text)
    else settle(message.answer)
  })
  worker.on('error', (error) => {
    fault = faultOf(error)
  })
  worker.on('exit', (code) => {
    if (diedAtWork())
      settle({ kind: 'fault', fault: fault ?? faultOf(new Error(`its worker thread ended with code ${code}`)) })
  })
  return thread
}
