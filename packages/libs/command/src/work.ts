import { statSync } from 'node:fs'
import { errorOf, type Fault, faultOf, faultText } from './exit.js'
import type { MainLog } from './log.js'
import type { Answer, ThreadSetup } from './orders.js'
import { openPool, type Pool } from './pool.js'
import type { Progress } from './progress.js'
import { breathe, drawTasks, gather, taskCounter, taskOf } from './tasks.js'
import type { Command, Job, Plan, Request, Row, Tools } from './types.js'

/** A job that ran: its rows, or why it failed. */
export interface Outcome {
  job: Job
  rows: Row[]
  seconds: number
  fault?: Fault
}

/** What a run has open, so that an interrupt can close it. */
export interface Session {
  signal: AbortSignal
  pool?: Pool
}

/** Inputs smaller than this together are worked on here: starting threads would take longer. */
const SMALL_BYTES = 4 * 2 ** 20

/** Runs the jobs, in threads where that pays, and gives each outcome as it comes. */
export async function work(
  command: Command,
  request: Request,
  plan: Plan,
  session: Session,
  log: MainLog,
  progress: Progress,
  finished: (outcome: Outcome) => Promise<void>,
): Promise<void> {
  const threads = threadsFor(command, request, plan)
  const inThreads = command.parallel === 'jobs' && threads > 0
  const share = inThreads ? Math.floor(request.memoryBytes / threads) : request.memoryBytes
  if (threads > 0) session.pool = openPool(threads, setupOf(request, share), log)
  const { pool } = session
  const tools = toolsHere(command, request, command.parallel === 'strips' ? pool : undefined)
  const one = async (job: Job) => {
    const start = performance.now()
    progress.started(job.name)
    const answer = inThreads && pool ? await pool.perform({ kind: 'job', job }) : await performHere(command, job, tools)
    const outcome = outcomeOf(job, answer, (performance.now() - start) / 1000)
    progress.finished(job.name, outcome)
    await finished(outcome)
  }
  if (inThreads) await side(plan.jobs, threads, one)
  else {
    for (const job of plan.jobs) {
      await one(job)
      await breathe()
      if (session.signal.aborted) await new Promise(() => {}) // interrupted: the process is about to end
    }
  }
}

/** How many worker threads help. In a 'strips' command the main thread works too; in a 'jobs' command it listens. */
function threadsFor(command: Command, request: Request, plan: Plan): number {
  const { workers, memoryBytes } = request
  if (command.parallel === 'strips' && (workers === 1 || !command.tasks)) return 0
  if (command.inputs !== 'none' && bytesOf(plan.jobs) <= SMALL_BYTES) return 0
  if (command.parallel === 'strips') return workers - 1
  const fit = plan.memoryPerJob ? Math.max(1, Math.floor(memoryBytes / plan.memoryPerJob)) : workers
  return Math.min(workers, plan.jobs.length, fit)
}

function bytesOf(jobs: readonly Job[]): number {
  let bytes = 0
  for (const job of jobs) {
    for (const path of job.inputs) {
      bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
      if (bytes > SMALL_BYTES) return bytes
    }
  }
  return bytes
}

function setupOf(request: Request, memoryBytes: number): ThreadSetup {
  const { context, config, profile } = request
  return { nightpipe: context.command, context, config, profile, memoryBytes }
}

function toolsHere(command: Command, request: Request, pool: Pool | undefined): Tools {
  const { log, context, config, profile, signal, memoryBytes } = request
  const map = async <A, R>(name: string, args: readonly A[]): Promise<R[]> => {
    const task = taskOf(command, name)
    const next = taskCounter()
    const helpers = args.length > 1 ? (pool?.performAll({ kind: 'map', task: name, args, next }) ?? []) : []
    const answers = await Promise.all([drawTasks(task, args, next, signal), ...helpers])
    return gather(answers, args.length) as R[]
  }
  return { workers: (pool?.size ?? 0) + 1, memoryBytes, log, context, config, profile, signal, map }
}

async function performHere(command: Command, job: Job, tools: Tools): Promise<Answer> {
  try {
    return { kind: 'job', rows: [...(await command.job(job, tools))] }
  } catch (error) {
    return { kind: 'fault', fault: faultOf(error) }
  }
}

/** `count` at a time, in the order given. */
async function side(jobs: readonly Job[], count: number, one: (job: Job) => Promise<void>): Promise<void> {
  let next = 0
  const line = async () => {
    while (next < jobs.length) await one(jobs[next++]!)
  }
  await Promise.all(Array.from({ length: count }, line))
}

function outcomeOf(job: Job, answer: Answer, seconds: number): Outcome {
  if (answer.kind === 'map') throw errorOf(faultOf(new Error('a job was answered as a map')))
  if (answer.kind === 'fault') return { job, rows: failedRows(job, answer.fault), seconds, fault: answer.fault }
  const named = new Set(answer.rows.map((row) => row.input))
  const silent = job.inputs.filter((path) => !named.has(path))
  const rows = [...answer.rows, ...silent.map((input): Row => ({ input, status: 'done', product: job.products[0] }))]
  return { job, rows, seconds }
}

function failedRows(job: Job, fault: Fault): Row[] {
  const inputs = job.inputs.length ? job.inputs : [job.name]
  return inputs.map((input) => ({ input, status: 'failed', reason: faultText(fault) }))
}
