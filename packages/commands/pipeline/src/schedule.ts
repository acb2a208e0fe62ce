import type { Step } from './step.js'

/** What became of a step in this run. */
export interface Outcome {
  status: 'done' | 'kept' | 'failed' | 'lost' | 'interrupted'
  /** the exit code of its command was 5: some of its inputs failed */
  partial?: boolean
  reason?: string
  seconds: number
  products: string[]
}

export interface Limits {
  workers: number
  /** a group goes on after a stage that failed, with what there is */
  keepGoing: boolean
  signal: AbortSignal
}

/**
 * Runs the steps, each when those before it have ended, as many at once as there are workers; what is free is shared
 * between the steps that are ready. A step that failed costs those of its group that need it, and no other group.
 */
export async function schedule(
  steps: readonly Step[],
  limits: Limits,
  perform: (step: Step, workers: number) => Promise<Outcome>,
): Promise<Map<Step, Outcome>> {
  const outcomes = new Map<Step, Outcome>()
  const running = new Map<Step, Promise<void>>()
  let free = limits.workers
  for (;;) {
    for (const step of steps) if (!outcomes.has(step)) markLost(step, outcomes, limits)
    const ready = steps.filter(
      (step) => !outcomes.has(step) && !running.has(step) && step.after.every((one) => outcomes.has(one)),
    )
    if (!limits.signal.aborted) {
      for (const [k, step] of ready.entries()) {
        if (free < 1) break
        const workers = Math.max(1, Math.floor(free / (ready.length - k)))
        free -= workers
        const work = perform(step, workers).then((outcome) => {
          outcomes.set(step, outcome)
          running.delete(step)
          free += workers
        })
        running.set(step, work)
      }
    }
    if (running.size === 0) return outcomes
    await Promise.race(running.values())
  }
}

/** Its source failed, or made nothing: it is not tried, and says so. */
function markLost(step: Step, outcomes: Map<Step, Outcome>, { keepGoing }: Limits): void {
  const needed = keepGoing ? step.after.slice(0, step.stage === 'summary' ? 0 : 1) : step.after
  if (step.stage === 'summary' && !step.after.every((one) => outcomes.has(one))) return
  const broken = needed.find((one) => {
    const outcome = outcomes.get(one)
    return outcome !== undefined && ['failed', 'lost', 'interrupted'].includes(outcome.status)
  })
  if (!broken || (step.stage === 'summary' && !keepGoing && step.after.some((one) => isGood(outcomes.get(one))))) return
  outcomes.set(step, { status: 'lost', reason: `${broken.stage}, which it needs, failed`, seconds: 0, products: [] })
}

const isGood = (outcome: Outcome | undefined) => outcome?.status === 'done' || outcome?.status === 'kept'
