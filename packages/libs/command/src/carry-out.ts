import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { explainSystemError, removeStaleParts } from '@nightpipe/files'
import { closeDown } from './close-down.js'
import { conclude } from './conclude.js'
import { digestAhead } from './digest.js'
import { digestTablePath, loadDigests, saveDigests } from './digest-table.js'
import { type Fault, faultOf } from './exit.js'
import type { MainLog } from './log.js'
import { showProgress } from './progress.js'
import { isCurrent } from './provenance.js'
import { openReport, type Report } from './report.js'
import type { RunSession } from './run.js'
import { type OutputFolder, shownPath } from './settings.js'
import { jsonLines, pathLines } from './stdout.js'
import { breathe } from './tasks.js'
import type { Command, Job, Plan, Request, Row } from './types.js'
import { type Outcome, work } from './work.js'

/** How a person wants the run. */
export interface Wishes {
  /** make again what is up to date */
  force: boolean
  json: boolean
}

/** Does what is planned and not there yet, keeps the report, prints the products. Returns the exit code. */
export async function carryOut(
  command: Command,
  request: Request,
  plan: Plan,
  folder: OutputFolder,
  wishes: Wishes,
  log: MainLog,
  session: RunSession,
): Promise<number> {
  for (const job of plan.jobs) for (const path of job.products) session.folders.add(dirname(path))
  session.folders.add(folder.path)
  for (const path of session.folders) mkdirSync(path, { recursive: true })
  const report = await openReport(command, folder.path)
  session.report = report
  for (const path of session.folders) if (path !== folder.path) removeStaleParts(path)
  const digests = digestTablePath(folder.path, command.name)
  loadDigests(digests, folder.path)
  const outcomes = new Map<Job, Outcome>()
  const reported = await saved(report, () => report.add(plan.rows ?? [], 0))
  await sortOut(request, plan, report, wishes, outcomes, session)
  const trouble = reported ?? (await workThrough(command, request, plan, wishes, log, session, report, outcomes))
  const unsaved = trouble ?? (await saved(report, () => report.save()))
  if (!unsaved) await saveDigests(digests, folder.path)
  if (unsaved) await closeDown(session)
  else report.close()
  // In the order of the plan, whichever thread was faster: what `finish` makes of them is the same every time.
  const ended = plan.jobs.map((job) => outcomes.get(job)).filter((outcome) => outcome !== undefined)
  const rows: Row[] = [...(plan.rows ?? []), ...ended.flatMap((outcome) => outcome.rows)]
  const verdict = unsaved ? undefined : ((await command.finish?.(request, rows, plan)) ?? undefined)
  const aside = new Set(plan.jobs.flatMap((job) => (job.aside ? job.products : [])))
  const shown = rows.filter((row) => row.product === undefined || !aside.has(row.product))
  await session.print(wishes.json ? jsonLines(shown, request.inputs, folder) : pathLines(shown, verdict, folder))
  return conclude({ rows, outcomes: ended, verdict, trouble: unsaved }, log, shownPath(report.path, folder))
}

/** A report that cannot be written ends the run, but what is done is done: the fault is told at the end. */
async function saved(report: Report, write: () => Promise<void>): Promise<Fault | undefined> {
  try {
    await write()
    return undefined
  } catch (error) {
    return faultOf(explainSystemError(error, 'write', report.path))
  }
}

/** Which jobs are up to date. What builds on a product that will be made anew waits until that is there. */
async function sortOut(
  { context }: Request,
  plan: Plan,
  report: Report,
  wishes: Wishes,
  outcomes: Map<Job, Outcome>,
  session: RunSession,
): Promise<void> {
  if (wishes.force) return
  const there = plan.jobs.filter(({ products }) => products.length > 0 && products.every((path) => existsSync(path)))
  const thereIs = new Set(there)
  const anew = new Set(plan.jobs.filter((job) => !thereIs.has(job)).flatMap((job) => job.products))
  for (const job of there) {
    for (const { path } of job.parents) {
      digestAhead(path)
      await breathe() // a night of raw frames takes its time, and Ctrl-C must not wait for it
    }
    const builds = job.parents.some(({ path }) => anew.has(path))
    const rows = !builds && isCurrent(job, context) ? report.rowsOf(job) : undefined
    if (rows) outcomes.set(job, { job, rows, seconds: 0, kept: true })
    else for (const path of job.products) anew.add(path)
    if (session.signal.aborted) await new Promise(() => {}) // interrupted: the process is about to end
  }
}

/** Runs what is not there yet. Returns what ended it early. */
async function workThrough(
  command: Command,
  request: Request,
  plan: Plan,
  wishes: Wishes,
  log: MainLog,
  session: RunSession,
  report: Report,
  outcomes: Map<Job, Outcome>,
): Promise<Fault | undefined> {
  const jobs = plan.jobs.filter((job) => !outcomes.has(job))
  if (jobs.length === 0) return undefined
  session.jobsTotal = jobs.length
  const progress = await showProgress(command.name, jobs.length, log)
  session.progressEnd = (interrupted) => progress.end(interrupted)
  const finished = async (outcome: Outcome) => {
    session.jobsDone++
    outcomes.set(outcome.job, outcome)
    if (!outcome.kept) await report.add(outcome.rows, outcome.seconds)
  }
  const kept = (job: Job) => (!wishes.force && isCurrent(job, request.context) ? report.rowsOf(job) : undefined)
  try {
    return await saved(report, () =>
      work(command, request, { ...plan, jobs }, session, { log, progress, kept, finished }),
    )
  } finally {
    session.progressEnd = undefined
    session.helpers?.stop()
    void session.pool?.stop() // what follows is told, not made: they end meanwhile
    await progress.end()
  }
}
