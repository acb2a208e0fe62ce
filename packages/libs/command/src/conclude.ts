import { Exit, type Fault } from './exit.js'
import type { MainLog } from './log.js'
import { tellFailures, tellRejected } from './tell.js'
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
  else if (done === 0 && failed === 0 && verdict?.ok !== false) tellRejected(rows, log)
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
