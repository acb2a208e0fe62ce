import { existsSync } from 'node:fs'
import type { Conducting } from '@nightpipe/command'
import { keyOf, type Ledger, type StepRow } from './ledger.js'
import type { NightPlan, Step } from './plan.js'
import type { Progress } from './progress.js'
import { runStep } from './run-step.js'
import type { Outcome } from './schedule.js'
import type { PipelineSchema } from './schema.js'
import { commandLine } from './shell.js'
import { configDigest, inputsDigest, inputsOf, pathsIn } from './step-digest.js'

/** Does a step, unless the ledger says that it was done on the same inputs with the same configuration. */
export function stepPerformer(
  request: Conducting<PipelineSchema>,
  plan: NightPlan,
  ledger: Ledger,
  progress: Progress,
): (step: Step, workers: number) => Promise<Outcome> {
  const digests = new Map(plan.frames.map(({ path, digest }) => [path, digest]))
  return async (step, workers) => {
    const paths = inputsOf(step)
    const inputs = inputsDigest(step, paths, digests)
    const config = configDigest(step)
    const before = ledger.steps.get(keyOf(step.group, step.stage))
    const same = before?.inputs === inputs && before.config === config
    const outcome =
      same && !request.force && isThere(step, before)
        ? keptOutcome(step, before)
        : paths.length === 0
          ? nothingLeft(step)
          : await perform(
              step,
              { ...rowOf(step), inputs, config, frames: paths.length, workers },
              same ? before : undefined,
            )
    progress.ended(step, outcome)
    return outcome
  }

  function rowOf(step: Step) {
    return { group: step.group || undefined, stage: step.stage, run: ledger.run.run, command: commandLine(step) }
  }

  async function perform(step: Step, facts: Omit<StepRow, 'status'>, before: StepRow | undefined): Promise<Outcome> {
    const { signal, force, memoryBytes, workers } = request
    progress.started(step, facts.frames ?? 0)
    const begun = performance.now()
    const row = { ...facts, started: new Date().toISOString(), attempts: 1 + (before?.attempts ?? 0) }
    await ledger.write({ ...row, status: 'running' })
    const timeoutSeconds = Number(request.flags.timeout ?? request.config.steps.timeout)
    const share = Math.max(64e6, Math.floor((memoryBytes * (facts.workers ?? 1)) / workers))
    const means = { workers: facts.workers ?? 1, memoryBytes: share, timeoutSeconds, force, signal }
    const started = (pid: number) => void ledger.write({ ...row, status: 'running', pid })
    try {
      const { exit, products, reason, interrupted } = await runStep(step, { ...means, started })
      const seconds = Math.round(performance.now() - begun) / 1000
      const good = exit === 0 || exit === 5
      const status = good ? 'done' : interrupted ? 'interrupted' : 'failed'
      const ended = { ended: new Date().toISOString(), seconds, exit, reason, products: products.length }
      await ledger.write({ ...row, ...ended, status: good ? 'done' : 'failed' })
      return { status, partial: exit === 5, reason, seconds, products }
    } catch (error) {
      const reason = (error as Error).message // the command is not there, or the disk is full
      await ledger.write({ ...row, ended: new Date().toISOString(), status: 'failed', reason })
      return { status: 'failed', reason, seconds: (performance.now() - begun) / 1000, products: [] }
    }
  }
}

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
