import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError, DataError, type InputFile } from '@nightpipe/files'
import { carryOut } from './carry-out.js'
import { Exit } from './exit.js'
import type { Flags } from './flags.js'
import type { MainLog } from './log.js'
import { productPath } from './product.js'
import { isTerminal } from './progress.js'
import { isCurrent } from './provenance.js'
import { namesNoProfile, recognised } from './recognise.js'
import type { Report } from './report.js'
import {
  configFileOf,
  configOf,
  contextOf,
  givenInputs,
  inputsOf,
  memoryOf,
  type OutputFolder,
  outputOf,
  ownFlags,
  shownPath,
  workersOf,
} from './settings.js'
import type { Command, Context, Job, Plan, Request } from './types.js'
import { type Session, startThreadsAhead } from './work.js'

export interface RunSession extends Session {
  print(text: string): Promise<void>
  report?: Report
  /** folders that products are written to */
  folders: Set<string>
  /** takes the progress display off the screen */
  progressEnd?: (interrupted: boolean) => Promise<void>
  jobsDone: number
  jobsTotal: number
}

/** From flags to exit code: settle, plan, work, report. */
export async function run(command: Command, flags: Flags, log: MainLog, session: RunSession): Promise<number> {
  const asked = configOf(command, flags)
  if (flags['print-config']) {
    await session.print((await configToPrint(command, flags, asked)).print())
    return Exit.done
  }
  const dryRun = flags['dry-run'] === true
  const workers = workersOf(flags)
  const memoryBytes = memoryOf(flags)
  const folder = outputOf(command, flags, asked, true)
  const inputs = await inputsOf(command, flags, asked, folder.path)
  const config = withRecognised(command, flags, asked, inputs, log)
  if (!dryRun) outputOf(command, flags, config, false)
  const context = contextOf(command, config)
  const request: Request = {
    ...{
      inputs,
      given: givenInputs(flags, asked),
      output: folder.path,
      workers,
      memoryBytes,
      dryRun,
      force: flags.force === true,
      log,
      context,
      signal: session.signal,
    },
    ...{ config: config.values as Request['config'], profile: config.profile, flags: ownFlags(command, flags) },
  }
  const wishes = { force: flags.force === true, json: flags.json === true }
  if (command.conduct) {
    const { verbosity } = log
    const terminal = verbosity !== 'quiet' && log.format === 'text' && isTerminal()
    const file = configFileOf(command, flags)
    const configPath = file === undefined ? {} : { configPath: resolve(file) }
    return command.conduct({ ...request, ...wishes, ...configPath, verbosity, terminal, print: session.print })
  }
  startThreadsAhead(command, request, session, log)
  const plan = settled(await command.plan(request), request)
  refuseCollisions(plan, folder)
  if (dryRun) {
    await session.print(dryRunText(plan, folder, context, flags))
    return Exit.done
  }
  return await carryOut(command, request, plan, folder, wishes, log, session)
}

/** Where nobody named a profile, and the command asks for it: the configuration with the one that the inputs speak for. */
function withRecognised(command: Command, flags: Flags, asked: Config, inputs: readonly InputFile[], log?: MainLog) {
  const known = command.recognises && namesNoProfile(asked) ? recognised(inputs) : undefined
  if (!known) return asked
  log?.say('info', `instrument profile ${known.name}, by ${known.origin} (--set instrument.profile=NAME takes another)`)
  return configOf(command, flags, known)
}

/** What would be in force. Without inputs, or where they are not to be had, nothing is recognised. */
async function configToPrint(command: Command, flags: Flags, asked: Config): Promise<Config> {
  if (!command.recognises || !namesNoProfile(asked)) return asked
  try {
    return withRecognised(command, flags, asked, await inputsOf(command, flags, asked, resolve('.')))
  } catch (error) {
    if (error instanceof ConfigError || error instanceof DataError) return asked
    throw error
  }
}

type Config = ReturnType<typeof configOf>

/**
 * Commands speak of .fits; what compression makes of the name is settled here, once. So is which parents were given as
 * input: `nightpipe reproduce` gives the same ones again.
 */
function settled(plan: Plan, { inputs, context }: Request): Plan {
  const given = new Set(inputs.map((file) => file.path))
  const jobs = plan.jobs.map((job) => ({
    ...job,
    products: job.products.map((path) => productPath(path, context)),
    ...(job.bare ? { bare: job.bare.map((path) => productPath(path, context)) } : {}),
    parents: job.parents.map((parent) => ({ ...parent, given: parent.given ?? given.has(parent.path) })),
  }))
  return { ...plan, jobs }
}

/** No product may replace a file that something is made from, or another product of the same run. */
function refuseCollisions(plan: Plan, folder: OutputFolder): void {
  const real = (path: string) => (existsSync(path) ? realpathSync.native(path) : path)
  const sources = new Set<string>()
  // A job may build on what an earlier one of the same run makes: that is no input to be kept from harm.
  const made = new Set<string>()
  for (const { inputs, parents, products } of plan.jobs) {
    for (const path of [...inputs, ...parents.map((parent) => parent.path)]) {
      if (!made.has(real(path))) sources.add(real(path))
    }
    for (const path of products) made.add(real(path))
  }
  const makers = new Map<string, Job>()
  for (const job of plan.jobs) {
    for (const path of job.products) {
      const target = real(path)
      if (sources.has(target)) {
        throw new ConfigError(
          `${shownPath(path, folder)} is an input and would be overwritten`,
          'choose another --output',
        )
      }
      const other = makers.get(target)
      if (other) {
        throw new ConfigError(
          `${other.name} and ${job.name} would both become ${shownPath(path, folder)}`,
          'rename one of them',
        )
      }
      makers.set(target, job)
    }
  }
}

function dryRunText(plan: Plan, folder: OutputFolder, context: Context, flags: Flags): string {
  const lines = plan.jobs.map((job) => {
    const state = flags.force !== true && isCurrent(job, context) ? 'current' : 'to do'
    const products = job.products.map((path) => shownPath(path, folder))
    if (flags.json) return JSON.stringify({ job: job.name, state, inputs: job.inputs, products })
    return `${state.padEnd(8)} ${job.name} (${job.inputs.length} ${job.inputs.length === 1 ? 'input' : 'inputs'}) -> ${products.join(' ')}`
  })
  const set = (plan.rows ?? []).map((row) =>
    flags.json
      ? JSON.stringify({ job: null, state: row.status, inputs: [row.input], products: [], reason: row.reason })
      : `${row.status.padEnd(8)} ${row.input}: ${row.reason ?? ''}`,
  )
  return [...lines, ...set].map((line) => `${line}\n`).join('')
}
