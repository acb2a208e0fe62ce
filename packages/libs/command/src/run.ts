import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { ConfigError, removeStaleParts } from '@nightpipe/files'
import { Exit, faultText } from './exit.js'
import type { Flags } from './flags.js'
import type { MainLog } from './log.js'
import { productPath } from './product.js'
import { showProgress } from './progress.js'
import { isCurrent } from './provenance.js'
import { openReport, type Report } from './report.js'
import { configOf, contextOf, inputsOf, memoryOf, type OutputFolder, outputOf, workersOf } from './settings.js'
import { jsonLines, pathLines } from './stdout.js'
import type { Command, Context, Job, Plan, Request, Row, Verdict } from './types.js'
import { type Outcome, type Session, work } from './work.js'

export interface RunSession extends Session {
  print(text: string): Promise<void>
  report?: Report
  /** folders that products are written to */
  folders: Set<string>
  /** takes the progress display off the screen */
  progressEnd?: (interrupted: boolean) => Promise<void>
  jobsDone: number
  jobsTotal: number
}

/** From flags to exit code: settle, plan, work, report. */
export async function run(command: Command, flags: Flags, log: MainLog, session: RunSession): Promise<number> {
  const config = configOf(command, flags)
  if (flags['print-config']) {
    await session.print(config.print())
    return Exit.done
  }
  const dryRun = flags['dry-run'] === true
  const workers = workersOf(flags)
  const memoryBytes = memoryOf(flags)
  const folder = outputOf(flags, config, true)
  const inputs = await inputsOf(command, flags, config, folder.path)
  if (!dryRun) outputOf(flags, config, false)
  const context = contextOf(command, config)
  const request: Request = {
    ...{ inputs, output: folder.path, workers, memoryBytes, dryRun, log, context, signal: session.signal },
    ...{ config: config.values as Request['config'], profile: config.profile, flags: ownFlags(command, flags) },
  }
  const plan = settled(await command.plan(request), request)
  refuseCollisions(plan, folder)
  if (dryRun) {
    await session.print(dryRunText(plan, folder, context, flags))
    return Exit.done
  }
  return await carryOut(command, request, plan, folder, flags, log, session)
}

const ownFlags = (command: Command, flags: Flags) =>
  Object.fromEntries(Object.keys(command.flags ?? {}).map((name) => [name, flags[name]]))

/**
 * Commands speak of .fits; what compression makes of the name is settled here, once. So is which parents were given as
 * input: `nightpipe reproduce` gives the same ones again.
 */
function settled(plan: Plan, { inputs, context }: Request): Plan {
  const given = new Set(inputs.map((file) => file.path))
  const jobs = plan.jobs.map((job) => ({
    ...job,
    products: job.products.map((path) => productPath(path, context)),
    ...(job.bare ? { bare: job.bare.map((path) => productPath(path, context)) } : {}),
    parents: job.parents.map((parent) => ({ ...parent, given: given.has(parent.path) })),
  }))
  return { ...plan, jobs }
}

/** No product may replace a file that something is made from, or another product of the same run. */
function refuseCollisions(plan: Plan, folder: OutputFolder): void {
  const real = (path: string) => (existsSync(path) ? realpathSync(path) : path)
  const sources = new Set<string>()
  // A job may build on what an earlier one of the same run makes: that is no input to be kept from harm.
  const made = new Set<string>()
  for (const { inputs, parents, products } of plan.jobs) {
    for (const path of [...inputs, ...parents.map((parent) => parent.path)]) {
      if (!made.has(real(path))) sources.add(real(path))
    }
    for (const path of products) made.add(real(path))
  }
  const makers = new Map<string, Job>()
  for (const job of plan.jobs) {
    for (const path of job.products) {
      const target = real(path)
      if (sources.has(target)) {
        throw new ConfigError(
          `${shownPath(path, folder)} is an input and would be overwritten`,
          'choose another --output',
        )
      }
      const other = makers.get(target)
      if (other) {
        throw new ConfigError(
          `${other.name} and ${job.name} would both become ${shownPath(path, folder)}`,
          'rename one of them',
        )
      }
      makers.set(target, job)
    }
  }
}

/** As the person would write it: below the output folder as it was given. */
export const shownPath = (path: string, { shown, path: folder }: OutputFolder) => {
  const inside = relative(folder, path)
  return inside.startsWith('..') ? path : join(shown, inside)
}

function dryRunText(plan: Plan, folder: OutputFolder, context: Context, flags: Flags): string {
  const lines = plan.jobs.map((job) => {
    const state = flags.force !== true && isCurrent(job, context) ? 'current' : 'to do'
    const products = job.products.map((path) => shownPath(path, folder))
    if (flags.json) return JSON.stringify({ job: job.name, state, inputs: job.inputs, products })
    return `${state.padEnd(8)} ${job.name} (${job.inputs.length} inputs) -> ${products.join(' ')}`
  })
  const set = (plan.rows ?? []).map((row) =>
    flags.json
      ? JSON.stringify({ job: null, state: row.status, inputs: [row.input], products: [], reason: row.reason })
      : `${row.status.padEnd(8)} ${row.input}: ${row.reason ?? ''}`,
  )
  return [...lines, ...set].map((line) => `${line}\n`).join('')
}

async function carryOut(
  command: Command,
  request: Request,
  plan: Plan,
  folder: OutputFolder,
  flags: Flags,
  log: MainLog,
  session: RunSession,
): Promise<number> {
  for (const job of plan.jobs) for (const path of job.products) session.folders.add(dirname(path))
  session.folders.add(folder.path)
  const report = await openReport(command, folder.path)
  session.report = report
  for (const path of session.folders) if (path !== folder.path) removeStaleParts(path)
  const rows: Row[] = [...(plan.rows ?? [])]
  await report.add(rows, 0)
  const waiting: Job[] = []
  // What builds on a product that will be made anew is out of date with it.
  const remade = new Set<string>()
  for (const job of plan.jobs) {
    const stale = flags.force === true || job.parents.some(({ path }) => remade.has(path))
    const kept = !stale && isCurrent(job, request.context) ? report.rowsOf(job) : undefined
    if (kept) rows.push(...kept)
    else {
      waiting.push(job)
      for (const path of job.products) remade.add(path)
    }
  }
  const faults = await workThrough(command, request, { ...plan, jobs: waiting }, log, session, report, rows)
  await report.save()
  report.close()
  const verdict = (await command.finish?.(request, rows, plan)) ?? undefined
  const text = flags.json ? jsonLines(rows, request.inputs, folder) : pathLines(rows, verdict, folder)
  await session.print(text)
  return conclude(
    { rows, faults, verdict, kept: plan.jobs.length - waiting.length },
    log,
    shownPath(report.path, folder),
  )
}

/** Runs what is not there yet. Returns the faults of the jobs that failed. */
async function workThrough(
  command: Command,
  request: Request,
  plan: Plan,
  log: MainLog,
  session: RunSession,
  report: Report,
  rows: Row[],
): Promise<Outcome[]> {
  session.jobsTotal = plan.jobs.length
  if (plan.jobs.length === 0) return []
  const failed: Outcome[] = []
  const progress = await showProgress(command.name, plan.jobs.length, log, isTerminal())
  session.progressEnd = (interrupted) => progress.end(interrupted)
  try {
    await work(command, request, plan, session, log, progress, async (outcome) => {
      session.jobsDone++
      rows.push(...outcome.rows)
      if (outcome.fault) failed.push(outcome)
      await report.add(outcome.rows, outcome.seconds)
    })
  } finally {
    session.progressEnd = undefined
    await progress.end()
  }
  return failed
}

/** A terminal that does not know its width cannot show lines that move. */
const isTerminal = () => process.stderr.isTTY === true && process.stderr.columns >= 20

interface Ending {
  rows: readonly Row[]
  faults: readonly Outcome[]
  verdict: Verdict | undefined
  kept: number
}

/** Says what came of it, and gives the exit code. */
function conclude({ rows, faults, verdict, kept }: Ending, log: MainLog, report: string): number {
  const count = (status: Row['status']) => rows.filter((row) => row.status === status).length
  const [done, rejected, failed] = [count('done'), count('rejected'), count('failed')]
  tellFailures(rows, faults, log, report)
  if (done + rejected > 0) {
    const parts = [`${done} done`, rejected && `${rejected} rejected`, failed && `${failed} failed`]
    const current = kept ? ` (${kept} ${kept === 1 ? 'job was' : 'jobs were'} up to date)` : ''
    log.info(`${parts.filter(Boolean).join(', ')}${current}; see ${report}`)
  }
  if (faults.some(({ fault }) => fault?.kind === 'bug')) return Exit.bug
  if (verdict && !verdict.ok) {
    for (const reason of verdict.reasons) log.say('error', reason)
    return Exit.verdictNo
  }
  if (failed === 0) return Exit.done
  return done === 0 ? Exit.noProduct : Exit.someFailed
}

const MOST_LINES = 20

/** A line for each failure, as far as a person reads. */
function tellFailures(rows: readonly Row[], faults: readonly Outcome[], log: MainLog, report: string): void {
  const ofJobs = new Set(faults.flatMap((outcome) => outcome.rows))
  const lines = faults.map(({ job, fault }) => ({ about: job.name, fault: fault! }))
  const others = rows.filter((row) => row.status === 'failed' && !ofJobs.has(row))
  for (const { input, reason = 'failed' } of others)
    lines.push({ about: input, fault: { kind: 'data', message: reason } })
  for (const { about, fault } of lines.slice(0, MOST_LINES)) {
    const text = faultText(fault)
    log.fault({ ...fault, advice: undefined, message: text.includes(about) ? text : `${about}: ${text}` })
  }
  if (lines.length > MOST_LINES) log.say('error', `${lines.length - MOST_LINES} more failed: see ${report}`)
}
