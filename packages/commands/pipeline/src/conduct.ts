import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Conducting, ConfigError, DataError, Exit, VERSION } from '@nightpipe/command'
import { type Lock, tryLock, withLock } from '@nightpipe/files'
import { writeEvents } from './events.js'
import { indexFrames } from './frames.js'
import { workspaceOf } from './groups.js'
import { openLedger } from './ledger.js'
import { nightFrames } from './night-frames.js'
import { endOrphans } from './orphans.js'
import { type NightPlan, planNight, stagesOf } from './plan.js'
import { showProgress } from './progress.js'
import { writeReport } from './report.js'
import { type Outcome, schedule } from './schedule.js'
import type { PipelineSchema } from './schema.js'
import { shellScript } from './shell.js'
import type { Step } from './step.js'
import { stepPerformer } from './steps.js'
import { watchRun } from './watch.js'

type Ask = Conducting<PipelineSchema>

/** From the configuration to the exit code; one at a time on an output folder. */
export async function conduct(request: Ask): Promise<number> {
  if (request.flags.watch) return watchRun(request)
  stagesOf(request) // wrong flags are told before headers are read
  if (!given(request)) throw new ConfigError('no input', 'give --input PATH, or input under [Input and Output]')
  if (request.dryRun) return dryRun(request)
  const place = join(request.output, 'pipeline')
  const patience = Number(request.flags.wait ?? 0)
  if (patience > 0) return withLock(place, () => night(request), { timeoutSeconds: patience })
  const lock = tryLock(place)
  if (!lock) {
    request.log.info(`${await holderOf(place)} (nothing done; --wait SECONDS waits for it, --watch shows it)`)
    return 4
  }
  return night(request, lock)
}

/** True when there is anything to look for frames in, though nothing may be there yet. */
const given = ({ given = [], inputs }: Ask): boolean => given.length > 0 || inputs.length > 0

async function holderOf(place: string): Promise<string> {
  try {
    await withLock(place, () => {}, { timeoutSeconds: 0 })
    return 'another pipeline was at work here'
  } catch (error) {
    return (error as Error).message.replace(/ \(waited.*/, '')
  }
}

async function planned(request: Ask): Promise<NightPlan> {
  const { configPath, config, profile, log } = request
  const reduces = stagesOf(request).includes('reduction')
  const { frames, skipped } = await indexFrames(request, workspaceOf(config, profile), reduces)
  if (skipped > 0) log.info(`${skipped} files are products of nightpipe, not raw frames: left out`)
  return planNight(request, frames, configPath && dirname(configPath))
}

async function dryRun(request: Ask): Promise<number> {
  await request.print(shellScript(await planned(request)))
  return 0
}

async function night(request: Ask, lock?: Lock): Promise<number> {
  try {
    const { output, log, workers, signal, flags } = request
    await endOrphans(output, log)
    const started = new Date().toISOString()
    const plan = await planned(request)
    writeEvents(output, plan.events)
    const groups = new Set(plan.steps.map(({ group }) => group).filter(Boolean)).size
    const facts = { started, version: VERSION, strategy: plan.strategy.name, config: plan.digest }
    const ledger = openLedger(output, { ...facts, frames: plan.frames.length, groups, steps: plan.steps.length })
    await ledger.writeRun(ledger.run)
    const progress = await showProgress(plan.steps, request)
    const perform = stepPerformer(request, plan, ledger, progress)
    const limits = { workers, keepGoing: flags['keep-going'] === true, signal }
    const outcomes = await schedule(plan.steps, limits, perform, progress.ended)
    await progress.close()
    const rows = await nightFrames(request, plan, outcomes)
    const exit = exitOf(
      outcomes,
      rows.some(({ status }) => status === 'failed'),
      signal.aborted,
    )
    const count = (...status: string[]) => [...outcomes.values()].filter((one) => status.includes(one.status)).length
    const counts = { done: count('done'), kept: count('kept'), failed: count('failed', 'lost', 'interrupted') }
    await ledger.writeRun({ ...ledger.run, ...counts, ended: new Date().toISOString(), exit })
    const told = existsSync(join(output, 'report.txt'))
    if (!told || counts.done + counts.failed > 0) writeReport(request, plan, ledger, outcomes, rows)
    const products = [...new Set(plan.steps.flatMap((step) => outcomes.get(step)?.products ?? []))].sort()
    const lines = request.json ? plan.steps.map((step) => stepLine(step, outcomes.get(step))) : products
    await request.print(lines.map((line) => `${line}\n`).join(''))
    log.info(
      `${counts.done} steps done, ${counts.kept} up to date, ${counts.failed} failed; see ${join(output, 'report.txt')}`,
    )
    // Said as an error: cron hears it too, where --quiet keeps all else.
    if (exit === Exit.noProduct) throw new DataError(`no product could be made: ${firstFailure(plan, outcomes)}`)
    return exit
  } catch (error) {
    if (request.signal.aborted) return 130 // what it had started was stopped with it
    throw error
  } finally {
    lock?.release()
  }
}

/** The first step that failed, and why. */
function firstFailure({ steps }: NightPlan, outcomes: ReadonlyMap<Step, Outcome>): string {
  const step = steps.find((one) => outcomes.get(one)?.status === 'failed')
  if (!step) return 'nothing was left to work on'
  return `${step.group ? `${step.group} ` : ''}${step.stage}: ${outcomes.get(step)?.reason ?? 'failed'}`
}

/** A step as --json tells it. */
function stepLine({ group, stage }: Step, outcome: Outcome | undefined): string {
  const { status = 'interrupted', reason, seconds = 0, products = [] } = outcome ?? {}
  return JSON.stringify({ group, stage, status, ...(reason ? { reason } : {}), seconds, products })
}

function exitOf(outcomes: ReadonlyMap<unknown, Outcome>, framesFailed: boolean, interrupted: boolean): number {
  const all = [...outcomes.values()]
  const some = (...status: string[]) => all.some((one) => status.includes(one.status))
  if (interrupted) return 130
  if (!some('failed', 'lost', 'interrupted')) return framesFailed || all.some(({ partial }) => partial) ? 5 : 0
  return all.some(({ products, status }) => products.length > 0 && status !== 'failed') ? 5 : 3
}
