import { realpathSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { kernels } from '@nightpipe/kernels'
import { type Fault, faultOf } from './exit.js'
import type { MainLog } from './log.js'
import { optimiseLater } from './optimised-later.js'
import type { Answer, Call, Message, Order, ThreadSetup } from './orders.js'
import { HEAP_MB, startedAhead } from './started-ahead.js'

/** Worker threads that run this same program. They start at once, and one that dies is replaced when it is needed. */
export interface Pool {
  readonly size: number
  /** The next free thread does it; where orders overlap, one that has a single one is free. */
  perform(order: Order): Promise<Answer>
  /** Every thread does it. */
  performAll(order: Order): Promise<Answer>[]
  /** Every thread does its own. */
  performEach(orders: readonly Order[]): Promise<Answer>[]
  stop(): Promise<void>
}

interface Thread {
  worker: Worker
  heapMB: number
  log: MainLog
  /** Who waits for its answers, by the number of the order. */
  waiting: Map<number, (answer: Answer) => void>
  /** It has ended: is that a surprise? */
  diedAtWork(): boolean
}

/** Threads that wait for the next run, where this process is going to have one. */
const idle = new Set<Thread>()
let keeping = false
/** From now on threads outlive the run that they were started for: what they have compiled serves the next one. */
export const keepThreads = () => {
  keeping = true
}

/** Orders that a thread has at once where they overlap: while one waits for the disk the other is carried out. */
export const OVERLAPPING = 2
let orders = 0

export function openPool(size: number, setup: ThreadSetup, log: MainLog, overlap = false): Pool {
  kernels() // before the threads: they share the code that was compiled ahead
  const threads: (Thread | undefined)[] = Array.from({ length: size }, (_, k) => start(k))
  // taken from the end: every thread has one order before any has two
  const free = Array.from({ length: overlap ? OVERLAPPING : 1 }, () => threads.map((_, k) => k)).flat()
  const waiting: ((k: number) => void)[] = []
  let stopping: Promise<unknown> | undefined

  function start(k: number): Thread {
    return hire(setup, log, () => {
      threads[k] = undefined
      return !stopping
    })
  }
  function ask(k: number, order: Order): Promise<Answer> {
    if (stopping) return new Promise(() => {}) // interrupted: the process is about to end
    const thread = threads[k] ?? start(k)
    threads[k] = thread
    return new Promise((settle) => {
      const id = orders++
      thread.waiting.set(id, settle)
      thread.worker.postMessage({ id, order } satisfies Call)
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
    performEach: (each) => threads.map((_, k) => ask(k, each[k]!)),
    async stop() {
      stopping ??= Promise.all(threads.map((thread) => thread && dismiss(thread)))
      await stopping
    },
  }
}

/** A thread that is at work is ended; the others are, or wait. */
function dismiss(thread: Thread): unknown {
  if (!keeping || thread.waiting.size > 0) return thread.worker.terminate()
  return idle.add(thread)
}

/** V8's own heap in a thread; pixels are outside of it. */
const LEAST_HEAP_MB = 256
const heapFor = (memoryBytes: number) => Math.max(LEAST_HEAP_MB, Math.floor(memoryBytes / 2 ** 20))

/** A thread that waits, if it may grow as much as this run allows, or a new one. */
function hire(setup: ThreadSetup, log: MainLog, diedAtWork: () => boolean): Thread {
  const heapMB = heapFor(setup.memoryBytes)
  const thread = [...idle].find((one) => one.heapMB >= heapMB) ?? startThread(heapMB, log)
  idle.delete(thread)
  Object.assign(thread, { log, diedAtWork })
  thread.worker.postMessage({ id: orders++, order: { kind: 'setup', setup } } satisfies Call)
  return thread
}

/** Threads that read the code of this program. */
const loading = new Set<Thread>()

function hasLoaded(thread: Thread): void {
  if (loading.delete(thread) && loading.size === 0) optimiseLater()
}

function startThread(heapMB: number, log: MainLog): Thread {
  const ready = heapMB <= HEAP_MB ? startedAhead('thread') : undefined
  ready?.ref()
  const limits = { maxOldGenerationSizeMb: heapMB }
  const worker = ready ?? new Worker(realpathSync(process.argv[1]!), { execArgv: [], resourceLimits: limits })
  const thread: Thread = { worker, heapMB, log, waiting: new Map(), diedAtWork: () => false }
  let fault: Fault | undefined
  loading.add(thread)
  const settle = (id: number, answer: Answer) => {
    const done = thread.waiting.get(id)
    thread.waiting.delete(id)
    done?.(answer)
  }
  worker.on('message', (message: Message) => {
    if (message.kind === 'ready') hasLoaded(thread)
    else if (message.kind === 'log') thread.log.say(message.level, message.text)
    else settle(message.id, message.answer)
  })
  worker.on('error', (error) => {
    fault = faultOf(error)
  })
  worker.on('exit', (code) => {
    loading.delete(thread)
    idle.delete(thread)
    if (!thread.diedAtWork()) return
    const why = fault ?? faultOf(new Error(`its worker thread ended with code ${code}`))
    for (const id of [...thread.waiting.keys()]) settle(id, { kind: 'fault', fault: why })
  })
  return thread
}
