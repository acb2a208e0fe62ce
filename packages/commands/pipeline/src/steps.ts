import { existsSync } from 'node:fs'
import type { Conducting } from '@nightpipe/command'
import { keyOf, type Ledger, type StepRow } from './ledger.js'
import type { NightPlan } from './plan.js'
import type { Progress } from './progress.js'
import { runStep } from './run-step.js'
import type { Outcome } from './schedule.js'
import type { PipelineSchema } from './schema.js'
import { commandLine } from './shell.js'
import type { Step } from './step.js'
import { digestsOf, inputsOf, newInputs, pathsIn, rememberInputs, type StepDigests } from './step-digest.js'

type Ask = Conducting<PipelineSchema>

/** Does a step, unless the ledger says that it was done on the same inputs with the same configuration. */
export function stepPerformer(
  request: Ask,
  plan: NightPlan,
  ledger: Ledger,
  progress: Progress,
): (step: Step, workers: number) => Promise<Outcome> {
  const raw = new Map(plan.frames.map(({ path, digest }) => [path, digest]))
  return async (step, workers) => {
    const paths = inputsOf(step)
    const digests = digestsOf(step, paths, raw)
    const before = ledger.steps.get(keyOf(step.group, step.stage))
    const done = !request.force && isThere(step, before) ? before : undefined
    const same = before?.inputs === digests.all && before.config === digests.config
    const fresh = newInputs(step, digests, done?.inputs)
    const outcome =
      same && done
        ? keptOutcome(step, done)
        : paths.length === 0
          ? nothingLeft(step)
          : await perform(step, { digests, fresh, workers, attempts: same ? before.attempts : 0 })
    progress.ended(step, outcome)
    return outcome
  }

  async function perform(step: Step, { digests, fresh, workers, attempts = 0 }: Attempt): Promise<Outcome> {
    const only = fresh === undefined ? step : restrictedTo(step, fresh)
    progress.started(step, fresh?.length ?? digests.inputs.size)
    const begun = performance.now()
    const facts = { group: step.group || undefined, stage: step.stage, run: ledger.run.run, command: commandLine(only) }
    const made = { inputs: digests.all, config: digests.config, frames: digests.inputs.size, workers }
    const row = { ...facts, ...made, started: new Date().toISOString(), attempts: attempts + 1 }
    await ledger.write({ ...row, status: 'running' })
    const started = (pid: number) => void ledger.write({ ...row, status: 'running', pid })
    try {
      const before = fresh === undefined ? [] : pathsIn(step.made)
      const ran = await runStep(only, { ...meansFor(request, workers), started }, before)
      const seconds = Math.round(performance.now() - begun) / 1000
      const good = ran.exit === 0 || ran.exit === 5
      const ended = { ended: new Date().toISOString(), seconds, exit: ran.exit, reason: ran.reason }
      // Without its inputs a step is never up to date: the next call takes up what the disk did not.
      if (ran.again) Object.assign(ended, { inputs: undefined })
      else if (good) rememberInputs(step, digests)
      await ledger.write({ ...row, ...ended, products: ran.products.length, status: good ? 'done' : 'failed' })
      const status = good ? 'done' : ran.interrupted ? 'interrupted' : 'failed'
      return { status, partial: ran.exit === 5, reason: ran.reason, seconds, products: ran.products }
    } catch (error) {
      const reason = (error as Error).message // the command is not there, or the disk is full
      await ledger.write({ ...row, ended: new Date().toISOString(), status: 'failed', reason })
      return { status: 'failed', reason, seconds: (performance.now() - begun) / 1000, products: [] }
    }
  }
}

interface Attempt {
  digests: StepDigests
  /** the inputs that are new, where only they cost work */
  fresh: string[] | undefined
  workers: number
  attempts: number | undefined
}

function meansFor({ config, flags, memoryBytes, workers: all, force, signal }: Ask, workers: number) {
  const timeoutSeconds = Number(flags.timeout ?? config.steps.timeout)
  return {
    workers,
    memoryBytes: Math.max(64e6, Math.floor((memoryBytes * workers) / all)),
    timeoutSeconds,
    force,
    signal,
  }
}

/** The same step on some of its inputs, which get a list of their own. */
const restrictedTo = (step: Step, frames: string[]): Step => ({
  ...step,
  frames,
  lists: [step.made.replace(/\.list$/, '.new.list')],
})

const nothingLeft = (step: Step): Outcome => ({
  status: 'lost',
  reason: `no frame is left for ${step.stage}`,
  seconds: 0,
  products: [],
})

/** Done, and nobody removed what it made. */
function isThere(step: Step, row: StepRow | undefined): boolean {
  const products = pathsIn(step.made)
  return row?.status === 'done' && products.length === row.products && products.every((path) => existsSync(path))
}

const keptOutcome = (step: Step, row: StepRow | undefined): Outcome => ({
  status: 'kept',
  partial: row?.exit === 5,
  reason: row?.reason,
  seconds: row?.seconds ?? 0,
  products: pathsIn(step.made),
})
