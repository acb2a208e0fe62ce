import { join, relative } from 'node:path'
import type { Conducting, Row } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import type { Ledger, StepRow } from './ledger.js'
import type { NightPlan } from './plan.js'
import { nameOf } from './progress.js'
import { reportPage } from './report-page.js'
import type { Outcome } from './schedule.js'
import type { PipelineSchema } from './schema.js'
import type { Step } from './step.js'

/** The report of a run in plain data. */
export interface NightReport {
  run: number
  started: string
  ended: string
  version: string
  strategy: string
  config: string
  frames: { found: number; done: number; rejected: number; failed: number; calibrations: number }
  lost: { file: string; status: string; reason: string }[]
  steps: (StepRow & { outcome: Outcome['status'] })[]
  seconds: { wall: number; steps: number }
}

/** report.json, report.txt and report.html: what was asked, what came of it, and how long each step took. */
export function writeReport(
  { output }: Conducting<PipelineSchema>,
  plan: NightPlan,
  ledger: Ledger,
  outcomes: ReadonlyMap<Step, Outcome>,
  rows: readonly Row[],
): void {
  const report = reportOf(output, plan, ledger, outcomes, rows)
  writeAtomically(join(output, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeAtomically(join(output, 'report.txt'), reportText(report))
  writeAtomically(join(output, 'report.html'), reportPage(report))
}

function reportOf(
  output: string,
  plan: NightPlan,
  { run, steps }: Ledger,
  outcomes: ReadonlyMap<Step, Outcome>,
  rows: readonly Row[],
): NightReport {
  const count = (status: string) => rows.filter((row) => row.status === status).length
  const lines = plan.steps.map((step) => {
    const row = steps.get(`${step.group} ${step.stage}`) ?? { stage: step.stage, status: 'lost', group: step.group }
    const outcome = outcomes.get(step)
    return { ...row, reason: outcome?.reason ?? row.reason, outcome: outcome?.status ?? 'interrupted' }
  })
  const spent = lines.filter((line) => line.run === run.run).reduce((sum, { seconds = 0 }) => sum + seconds, 0)
  const lost = rows.filter((row) => row.status !== 'done' && row.measurements !== undefined)
  const files = [...lost, ...rows.filter((row) => row.status === 'failed' && row.measurements === undefined)]
  return {
    ...{ run: run.run, started: run.started, ended: run.ended ?? '', version: run.version, strategy: run.strategy },
    config: run.config ?? '',
    frames: {
      ...{ found: plan.frames.length, done: count('done'), rejected: count('rejected'), failed: count('failed') },
      calibrations: plan.frames.filter(({ type }) => ['bias', 'dark', 'flat'].includes(type)).length,
    },
    lost: files.map(({ input, status, reason }) => ({ file: relative(output, input), status, reason: reason ?? '' })),
    steps: lines as NightReport['steps'],
    seconds: { wall: (Date.parse(run.ended ?? run.started) - Date.parse(run.started)) / 1000, steps: spent },
  }
}

/** The night in a page of text, for a mail. */
export function reportText({ run, started, strategy, version, frames, lost, steps, seconds }: NightReport): string {
  const width = Math.max(...steps.map((step) => nameOf({ group: step.group ?? '', stage: step.stage }).length), 4)
  const lines = steps.map((step) => {
    const name = nameOf({ group: step.group ?? '', stage: step.stage }).padEnd(width)
    const figures = `${String(step.frames ?? 0).padStart(5)} in ${String(step.products ?? 0).padStart(5)} out`
    const time = `${(step.seconds ?? 0).toFixed(1).padStart(8)} s`
    return `${step.outcome.padEnd(11)} ${name} ${figures} ${time}${step.reason ? `  ${step.reason}` : ''}`
  })
  const some = lost.slice(0, 50).map(({ file, status, reason }) => `${status.padEnd(11)} ${file}: ${reason}`)
  return [
    `Run ${run}, begun ${started}, strategy ${strategy}, nightpipe ${version}`,
    `${frames.found} frames: ${frames.calibrations} calibrations, ${frames.done} done, ${frames.rejected} set aside, ${frames.failed} failed.`,
    `${seconds.wall.toFixed(1)} s in all, ${seconds.steps.toFixed(1)} s of steps.`,
    '',
    ...lines,
    ...(some.length ? ['', ...some] : []),
    ...(lost.length > some.length ? [`and ${lost.length - some.length} more: see pipeline.csv`] : []),
    '',
  ].join('\n')
}
