import type { Conducting } from '@nightpipe/command'
import type { Outcome } from './schedule.js'
import type { PipelineSchema } from './schema.js'
import type { Step } from './step.js'

/** What a person sees while the steps run. */
export interface Progress {
  started(step: Step, inputs: number): void
  ended(step: Step, outcome: Outcome): void
  close(): Promise<void>
}

export const nameOf = ({ group, stage }: Pick<Step, 'group' | 'stage'>) => (group ? `${group} ${stage}` : stage)

/** A tree of groups and stages on a terminal, a line for each step elsewhere. */
export async function showProgress(
  steps: readonly Step[],
  { terminal, log }: Conducting<PipelineSchema>,
): Promise<Progress> {
  if (terminal && steps.length > 0) return (await import('./progress-tree.js')).showTree(steps)
  return {
    started: (step, inputs) => log.info(`${nameOf(step)}: ${inputs} ${inputs === 1 ? 'file' : 'files'}`),
    ended: (step, outcome) => {
      const text = `${nameOf(step)}: ${inWords(outcome)}`
      if (outcome.status === 'failed' || outcome.partial) log.warn(text)
      else log.info(text)
    },
    close: async () => {},
  }
}

export function inWords({ status, seconds, products, reason, partial }: Outcome): string {
  const made = `${products.length} ${products.length === 1 ? 'product' : 'products'}`
  const time = `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  if (status === 'kept') return `up to date, ${made}`
  if (status === 'done') return `done, ${made}, ${time}${partial ? `; some failed: ${reason}` : ''}`
  return `${status === 'lost' ? 'not tried' : status}: ${reason ?? ''}`
}
