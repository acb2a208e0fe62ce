import { Exit, type Fault, faultText } from './exit.js'
import type { MainLog } from './log.js'
import type { Row, Verdict } from './types.js'
import type { Outcome } from './work.js'

export interface Ending {
  rows: readonly Row[]
  outcomes: readonly Outcome[]
  verdict: Verdict | undefined
  /** what ended the run before its time */
  trouble: Fault | undefined
}

/** Says what came of it, and gives the exit code. */
export function conclude({ rows, outcomes, verdict, trouble }: Ending, log: MainLog, report: string): number {
  const count = (status: Row['status']) => rows.filter((row) => row.status === status).length
  const [done, rejected, failed] = [count('done'), count('rejected'), count('failed')]
  tellFailures(rows, outcomes, log, report)
  if (trouble) log.fault(trouble)
  if (done + rejected > 0) {
    const parts = [`${done} done`, rejected && `${rejected} rejected`, failed && `${failed} failed`]
    const kept = outcomes.filter((outcome) => outcome.kept).length
    const current = kept ? ` (${kept} ${kept === 1 ? 'job was' : 'jobs were'} up to date)` : ''
    log.info(`${parts.filter(Boolean).join(', ')}${current}; see ${report}`)
  }
  if (trouble?.kind === 'bug' || outcomes.some(({ fault }) => fault?.kind === 'bug')) return Exit.bug
  if (verdict && !verdict.ok) {
    for (const reason of verdict.reasons) log.say('error', reason)
    return Exit.verdictNo
  }
  if (failed === 0 && !trouble) return Exit.done
  return done === 0 ? Exit.noProduct : Exit.someFailed
}

const MOST_LINES = 20

/** A line for each failure, as far as a person reads. */
function tellFailures(rows: readonly Row[], outcomes: readonly Outcome[], log: MainLog, report: string): void {
  const failures = outcomes.filter((outcome) => outcome.fault)
  const ofJobs = new Set(failures.flatMap((outcome) => outcome.rows))
  const lines = failures.map(({ job, fault }) => ({ about: job.name, fault: fault! }))
  const others = rows.filter((row) => row.status === 'failed' && !ofJobs.has(row))
  for (const { input, reason = 'failed' } of others)
    lines.push({ about: input, fault: { kind: 'data', message: reason } })
  for (const { about, fault } of lines.slice(0, MOST_LINES)) {
    const text = faultText(fault)
    log.fault({ ...fault, advice: undefined, message: text.includes(about) ? text : `${about}: ${text}` })
  }
  if (lines.length > MOST_LINES) log.say('error', `${lines.length - MOST_LINES} more failed: see ${report}`)
}
