import { statSync } from 'node:fs'
import { clockSeconds, DataError } from '@nightpipe/files'
import { knownDigests, remember } from './digest.js'
import { errorOf, type Fault, faultOf, faultText } from './exit.js'
import { type Helpers, startHelpers } from './helpers.js'
import type { MainLog } from './log.js'
import type { Answer } from './orders.js'
import { OVERLAPPING, openPool, type Pool } from './pool.js'
import type { Progress } from './progress.js'
import { SMALL_BYTES } from './started-ahead.js'
import { breathe } from './tasks.js'
import { performHere, setupOf } from './tools.js'
import type { Command, Job, Plan, Request, Row } from './types.js'

/** What became of a job: its rows, and why it failed if it did. */
export interface Outcome {
  job: Job
  rows: Row[]
  seconds: number
  /** its products were up to date: nothing was done */
  kept?: boolean
  fault?: Fault
}

/** What a run has open, so that an interrupt can close it. */
export interface Session {
  signal: AbortSignal
  pool?: Pool
  helpers?: Helpers
}

/** Those who want to know. */
export interface Audience {
  log: MainLog
  progress: Progress
  /** The rows of a job that builds on one of this run, if it turns out to be up to date when its turn comes. */
  kept(job: Job): Row[] | undefined
  finished(outcome: Outcome): Promise<void>
}

/** Runs the jobs, in threads where that pays, each after those of the same run that make its parents. */
export async function work(
  command: Command,
  request: Request,
  plan: Plan,
  session: Session,
  audience: Audience,
): Promise<void> {
  const few = plan.jobs.length < request.workers
  const mode = command.parallel === 'both' ? (few ? 'strips' : 'jobs') : command.parallel
  const threads = threadsFor(command, mode, request, plan)
  if (mode === 'strips')
    withHelpers(
      command,
      request,
      session,
      plan.jobs.flatMap((job) => job.inputs),
    )
  const inThreads = mode === 'jobs' && threads > 0
  const pool = poolOf(command, threads, inThreads, plan.memoryPerJob !== undefined, request, session, audience.log)
  const perform = (job: Job) => (inThreads && pool ? performThere(job, pool) : performHere(command, request, job, pool))
  const making = new Map<string, Promise<Outcome>>()
  let next = 0
  const line = async () => {
    while (next < plan.jobs.length) {
      const job = plan.jobs[next++]!
      const outcome = one(job, perform, making, audience)
      for (const path of job.products) making.set(path, outcome)
      await audience.finished(await outcome)
      if (!inThreads) await breathe()
      if (session.signal.aborted) await new Promise(() => {}) // interrupted: the process is about to end
    }
  }
  const atOnce = inThreads ? threads * (command.overlap ? OVERLAPPING : 1) : 1
  await Promise.all(Array.from({ length: atOnce }, line))
}

/**
 * Starts the threads that will surely be wanted while the plan is still being made: it takes them as long as the plan.
 * Small inputs want none, and what is not known yet is left to `work`.
 */
export function startThreadsAhead(command: Command, request: Request, session: Session, log: MainLog): void {
  const { inputs, workers } = request
  if (request.dryRun || command.inputs === 'none' || sizeOf(inputs.map(({ path }) => path)) <= SMALL_BYTES) return
  const strips = command.parallel === 'strips' || (command.parallel === 'both' && inputs.length < workers)
  const paths = inputs.map(({ path }) => path)
  if (strips) withHelpers(command, request, session, paths)
  if (strips && !command.tasks) return
  const threads = strips ? workers - 1 : worthwhile(command, Math.min(workers, inputs.length), paths)
  if (threads > 0) poolOf(command, threads, !strips, true, request, session, log)
}

/** Jobs on this thread share their kernels with helpers, where the command wants that and the inputs are not small. */
function withHelpers(command: Command, { workers }: Request, session: Session, paths: readonly string[]): void {
  if (session.helpers || !command.helpers || workers < 2 || sizeOf(paths) <= SMALL_BYTES) return
  session.helpers = startHelpers(workers - 1)
}

/** The threads that were started ahead where they fit: more than the jobs need may wait, if memory is no matter. */
function poolOf(
  command: Command,
  threads: number,
  forJobs: boolean,
  exactly: boolean,
  request: Request,
  session: Session,
  log: MainLog,
): Pool | undefined {
  const ready = session.pool?.size ?? 0
  if (ready === threads || (forJobs && !exactly && threads > 0 && ready > threads)) return session.pool
  void session.pool?.stop()
  const share = forJobs ? Math.floor(request.memoryBytes / Math.max(1, threads)) : request.memoryBytes
  session.pool = threads > 0 ? openPool(threads, setupOf(request, share), log, forJobs && command.overlap) : undefined
  return session.pool
}

/** In a thread; what it and we know of the parents is known to both. */
async function performThere(job: Job, pool: Pool): Promise<Answer> {
  const digests = knownDigests(job.parents.map(({ path }) => path))
  const answer = await pool.perform({ kind: 'job', job, digests })
  if (answer.kind === 'job') for (const [path, what] of answer.digests ?? []) remember(path, what)
  return answer
}

async function one(
  job: Job,
  perform: (job: Job) => Promise<Answer>,
  making: ReadonlyMap<string, Promise<Outcome>>,
  { progress, kept }: Audience,
): Promise<Outcome> {
  const before = job.parents.map(({ path }) => making.get(path)).filter((outcome) => outcome !== undefined)
  const outcomes = await Promise.all(before)
  const lost = job.anyParent && !outcomes.every(madeNothing) ? undefined : outcomes.find(madeNothing)
  progress.started(job.name)
  const start = clockSeconds()
  const same = before.length > 0 && !lost ? kept(job) : undefined
  const outcome = same
    ? { job, rows: same, seconds: 0, kept: true }
    : outcomeOf(job, lost ? lostAnswer(lost.job) : await perform(job), clockSeconds() - start)
  progress.finished(job.name, outcome)
  return outcome
}

/** It failed, or every one of its inputs was set aside. */
const madeNothing = ({ fault, rows }: Outcome) =>
  fault !== undefined || (rows.length > 0 && !rows.some(({ status }) => status === 'done'))

/** Without its parent a job is not tried: an older one may lie there, and would pass for it. */
function lostAnswer(parent: Job): Answer {
  return { kind: 'fault', fault: faultOf(new DataError(`${parent.name}, which it needs, could not be made`)) }
}

/** How many worker threads help. In a 'strips' command the main thread works too; in a 'jobs' command it listens. */
function threadsFor(command: Command, mode: 'jobs' | 'strips', request: Request, plan: Plan): number {
  const { workers, memoryBytes } = request
  if (mode === 'strips' && (workers === 1 || !command.tasks)) return 0
  if (command.inputs !== 'none' && sizeOf(plan.jobs.flatMap((job) => job.inputs)) <= SMALL_BYTES) return 0
  if (mode === 'strips') return workers - 1
  const fit = plan.memoryPerJob ? Math.max(1, Math.floor(memoryBytes / plan.memoryPerJob)) : workers
  const threads = Math.min(workers, plan.jobs.length, fit)
  const paths = plan.jobs.flatMap((job) => job.inputs)
  return worthwhile(command, threads, paths)
}

/** Of threads for jobs, those that have enough to do; where that is not even two, this one does all. */
function worthwhile({ bytesPerThread, inputs }: Command, threads: number, paths: readonly string[]): number {
  if (bytesPerThread === undefined || inputs === 'none') return threads
  const busy = Math.floor(sizeOf(paths, (threads + 1) * bytesPerThread) / bytesPerThread)
  return busy > 1 ? Math.min(threads, busy) : 0
}

/** As far as it matters: counting stops where the inputs are no longer small. */
export function sizeOf(paths: readonly string[], enough = SMALL_BYTES): number {
  let bytes = 0
  for (const path of paths) {
    bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
    if (bytes > enough) break
  }
  return bytes
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
