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
  lost: (step: Step, outcome: Outcome) => void,
): Promise<Map<Step, Outcome>> {
  const outcomes = new Map<Step, Outcome>()
  const running = new Map<Step, Promise<void>>()
  let free = limits.workers
  for (;;) {
    for (const step of steps) {
      const outcome = outcomes.has(step) ? undefined : lostOutcome(step, outcomes, limits)
      if (!outcome) continue
      outcomes.set(step, outcome)
      lost(step, outcome)
    }
    const ready = steps.filter(
      (step) =>
        !outcomes.has(step) &&
        !running.has(step) &&
        step.after.every((one) => outcomes.has(one)) &&
        !givesWay(step, steps, outcomes),
    )
    if (!limits.signal.aborted) {
      for (const [k, step] of ready.entries()) {
        if (free < 1) break
        const workers = Math.max(1, Math.floor(free / (ready.length - k)))
        free -= workers
        const work = perform(onSource(step, outcomes), workers).then((outcome) => {
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

/** The candidates of a group are what people wait for: its photometry leaves them both cores until they are there. */
const givesWay = (step: Step, steps: readonly Step[], outcomes: ReadonlyMap<Step, Outcome>) =>
  step.stage === 'photometry' &&
  steps.some(({ group, stage }, k) => stage === 'subtraction' && group === step.group && !outcomes.has(steps[k]!))

/** What it works on could not be made: it is not tried, and says so. */
function lostOutcome(step: Step, outcomes: ReadonlyMap<Step, Outcome>, { keepGoing }: Limits): Outcome | undefined {
  if (!step.after.every((one) => outcomes.has(one))) return undefined
  const broken = step.after.find((one) => isBroken(outcomes.get(one)))
  if (!broken || goesOn(step, outcomes, keepGoing)) return undefined
  return { status: 'lost', reason: `${broken.stage}, which it needs, failed`, seconds: 0, products: [] }
}

/** A page shows what there is; a stage needs its source, or, to keep going, an earlier one. */
function goesOn(step: Step, outcomes: ReadonlyMap<Step, Outcome>, keepGoing: boolean): boolean {
  if (step.stage === 'summary') return step.after.some((one) => !isBroken(outcomes.get(one)))
  return keepGoing && goodSource(step, outcomes) !== undefined
}

const goodSource = ({ sources = [] }: Step, outcomes: ReadonlyMap<Step, Outcome>) =>
  sources.find(({ step }) => step === undefined || !isBroken(outcomes.get(step)))

/** The step on the products of the best source that is there; a page on all that are. */
function onSource(step: Step, outcomes: ReadonlyMap<Step, Outcome>): Step {
  if (step.stage === 'summary') {
    const broken = new Set(step.after.filter((one) => isBroken(outcomes.get(one))).map(({ made }) => made))
    return { ...step, lists: step.lists.filter((list) => !broken.has(list)) }
  }
  const source = goodSource(step, outcomes)
  return source ? { ...step, lists: [source.list] } : step
}

const isBroken = (outcome: Outcome | undefined) =>
  outcome !== undefined && ['failed', 'lost', 'interrupted'].includes(outcome.status)
