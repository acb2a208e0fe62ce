import type { MainLog } from './log.js'
import type { Row } from './types.js'
import type { Outcome } from './work.js'
import { isDevice } from './write-out.js'

/** What a person sees while jobs run. */
export interface Progress {
  started(name: string): void
  finished(name: string, outcome: Outcome): void
  end(interrupted?: boolean): Promise<void>
}

/** On a terminal one line that moves; elsewhere a line for each job; nothing with --quiet. */
export async function showProgress(title: string, total: number, log: MainLog): Promise<Progress> {
  if (total > 0 && log.verbosity !== 'quiet' && log.format === 'text' && isTerminal()) {
    return (await import('./progress-terminal.js')).showOnTerminal(title, total, log)
  }
  let done = 0
  return {
    started: () => {},
    finished(name, outcome) {
      done++
      const { seconds } = outcome
      log.info(`${done}/${total} ${name} ${wordFor(outcome)} ${seconds.toFixed(seconds < 10 ? 2 : 0)} s`)
    },
    end: async () => {},
  }
}

/** A terminal that does not know its width cannot show lines that move. */
export const isTerminal = () => isDevice('stderr') && process.stderr.isTTY === true && process.stderr.columns >= 20

/** A job in one word: what the person must see of its rows. */
export function wordFor({ rows, fault }: Pick<Outcome, 'rows' | 'fault'>): string {
  const some = (status: Row['status']) => rows.some((row) => row.status === status)
  if (fault) return 'failed'
  // One bad frame of many does not make a failure of the master that the others gave.
  if (some('done') || rows.length === 0) return 'done'
  return some('failed') ? 'failed' : 'rejected'
}
