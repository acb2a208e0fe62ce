import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import {
  type Chain,
  call,
  openChainHost,
  openExposures,
  type RawFrame,
  rawFrames,
  sweep,
  windowOf,
} from '@nightpipe/chain'
import { type Conducting, DataError, Exit } from '@nightpipe/command'
import { type InstrumentProfile, loadProfile, profileRecogniser } from '@nightpipe/config'
import { tryLock } from '@nightpipe/files'
import { cardLookup, imageHdu, openFits } from '@nightpipe/fits'
import { inTree, requireTree, TREE_TABLES, type Tree } from '@nightpipe/spectrographs'
import { checkTable } from '@nightpipe/table'
import { readSteps, type StepRow, writeStep } from './checklist.js'
import type { SetupSchema } from './schema.js'
import { makeFolders, rememberProfile, seedTables } from './seed.js'
import { type Setup, STEPS } from './steps.js'
import { addWithout } from './without.js'

type Ask = Conducting<SetupSchema>

/** From the flags to the exit code: the list from its top, what is done being passed over. */
export async function conduct(request: Ask): Promise<number> {
  const { flags, inputs, log } = request
  const tree = requireTree(flags)
  const given = inputs.length > 0 ? inputs.map(({ path }) => path) : undefined
  const window = windowOf(flags, {})
  const profile = profileFor(request, tree, rawFrames(tree, request.profile, window, given)[0])
  const frames = rawFrames(tree, profile, window, given)
  if (frames.length === 0) {
    const where = `${dirname(tree.folder)}/<YYYYMMDD>/raw`
    throw new DataError(`no raw frames in ${where}`, 'put them there, or give them by --input')
  }
  log.info(
    `${frames.length} raw frames of ${new Set(frames.map(({ day }) => day)).size} nights, profile ${profile.name}`,
  )
  if (request.dryRun) return await listSteps(request, tree, frames)
  const lines: string[] = []
  const host = openChainHost()
  const chain = { ...chainFor(request, tree, profile, lines), run: host.run }
  chain.tell(`mkdir -p ${relative('.', tree.folder) || '.'}/{bias,dark,flat,…}`)
  const detail = makeFolders(tree)
  rememberProfile(tree, profile)
  const lock = tryLock(inTree(tree, 'temp', 'night'))
  if (!lock) throw new DataError('another night or site-setup is at work on this tree', 'wait for its end')
  try {
    await finishStep(request, tree, { number: 1, step: 'folders', status: 'done', detail }, lines)
    return await allSteps(request, chain, frames, lines)
  } catch (error) {
    if (request.signal.aborted) return Exit.interrupted
    throw error
  } finally {
    await host.close()
    lock.release()
  }
}

function chainFor(request: Ask, tree: Tree, profile: InstrumentProfile, lines: string[]): Chain {
  const { workers, memoryBytes, force, signal, log, json, print } = request
  const tell = (line: string) => {
    lines.push(line)
    if (!json) void print(`           $ ${line}\n`)
  }
  return { tree, profile, workers, memoryBytes, force, signal, log, tell }
}

/** The profile that was given; else that which knows the header of a frame; else that of the name of the spectrograph. */
function profileFor({ profile, log }: Ask, tree: Tree, frame: RawFrame | undefined): InstrumentProfile {
  const recognise = profileRecogniser()
  const byName = recognise((keyword) => (keyword === 'INSTRUME' ? tree.instrument : undefined))
  const remembered = existsSync(inTree(tree, 'config', 'tree.ini'))
  if (!frame || remembered || (profile.name !== 'generic' && profile.name !== byName)) return profile
  const file = openFits(frame.path)
  try {
    const name = recognise(cardLookup(imageHdu(file)))
    if (name) return loadProfile(name)
  } finally {
    file.close()
  }
  if (profile.name === 'generic') {
    log.warn('no shipped profile knows these frames (write one, and give --set instrument.profile=FILE.ini)')
  }
  return profile
}

const COUNT = STEPS.length + 3

async function allSteps(request: Ask, chain: Chain, frames: readonly RawFrame[], lines: string[]): Promise<number> {
  const { tree } = chain
  const { flags, config, force } = request
  const before = readSteps(tree)
  const text = (name: string) => (typeof flags[name] === 'string' ? (flags[name] as string) : undefined)
  const [hand, zero, standard] = ['hand-trace', 'zero', 'standard'].map(text)
  const setup: Setup = {
    ...{ chain, frames, exposures: openExposures(tree), templateFrames: config.setup['template frames'] },
    ...{ rules: { leastSnr: config.setup['least snr'], force }, hand, zero, standard },
  }
  const without = new Set((flags.without as string[] | undefined) ?? [])
  const list = [
    { name: 'tables', title: 'tables', frames: () => [], run: () => tables(request, chain, frames) },
    ...STEPS,
    { name: 'check', title: 'tables checked', frames: () => frames, run: async () => check(tree) },
  ]
  for (const [at, step] of list.entries()) {
    const row: StepRow = {
      number: at + 2,
      step: step.name,
      status: 'running',
      made_of: digestOfFrames(step.frames(frames)),
    }
    const old = before.get(step.name)
    if (without.has(step.name)) {
      writeWithout(chain, step.name)
      await finishStep(request, tree, { ...row, status: 'without', detail: 'this spectrograph does without' }, lines)
      continue
    }
    if (!force && old?.status === 'done' && old.made_of === row.made_of) {
      await tellStep(request, { ...old, detail: `before: ${old.detail ?? ''}` })
      continue
    }
    await writeStep(tree, row)
    const problem = await tried(() => step.run(setup), row)
    if (request.signal.aborted) return Exit.interrupted
    await finishStep(request, tree, row, lines)
    if (!problem) continue
    throw new DataError(
      `step ${row.number} of ${COUNT}, ${step.name}: ${problem.message}`,
      `${problem.advice ?? 'see its messages'}; then run this again`,
    )
  }
  sweep(chain, [...setup.exposures.rows.values()])
  return Exit.done
}

/** Does a step; what came of it goes into its row. */
async function tried(run: () => Promise<string>, row: StepRow): Promise<DataError | undefined> {
  try {
    Object.assign(row, { status: 'done', detail: await run() })
    return undefined
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    Object.assign(row, {
      status: 'failed',
      detail: error.advice ? `${error.message} (${error.advice})` : error.message,
    })
    return error
  }
}

async function finishStep(request: Ask, tree: Tree, row: StepRow, lines: string[]): Promise<void> {
  const commands = lines.splice(0).join(' ; ')
  await writeStep(tree, { ...row, commands, ended: new Date().toISOString().slice(0, 19) })
  await tellStep(request, row)
}

async function tellStep({ json, print }: Ask, { number, step, status, detail = '' }: StepRow): Promise<void> {
  const line = `[${String(number).padStart(2)}/${COUNT}]  ${step.padEnd(9)} ${status}${detail ? `: ${detail}` : ''}\n`
  await print(json ? `${JSON.stringify({ number, step, status, detail })}\n` : line)
}

async function tables({ flags }: Ask, chain: Chain, frames: readonly RawFrame[]): Promise<string> {
  const said = await seedTables(chain.tree, chain.profile, frames)
  if (typeof flags.targets !== 'string') return said
  const { code, message } = await call(chain, 'targets', ['import', '--input', flags.targets])
  if (code !== 0) throw new DataError(message ?? 'targets import failed', 'look at the list')
  return `${said}; targets of ${flags.targets}`
}

/** Frames without a calibration are reduced only where the configuration of the tree says so. */
function writeWithout({ tree, log }: Chain, step: string): void {
  if (step !== 'bias' && step !== 'dark') return
  const path = inTree(tree, 'config', 'reduction.ini')
  log.info(addWithout(path, step) ? `${path} says so: [calibration] ${step} = none` : `${path} is as you wrote it`)
}

async function check(tree: Tree): Promise<string> {
  const wrong = TREE_TABLES.flatMap((spec) =>
    checkTable(inTree(tree, 'csv', spec.name), spec).map((one) => ({ ...one, name: spec.name })),
  )
  if (wrong.length === 0) return 'the tables are whole'
  const [{ name, line, problem }] = wrong as [(typeof wrong)[0]]
  throw new DataError(`csv/${name}:${line}: ${problem}`, 'mend that cell')
}

const digestOfFrames = (frames: readonly RawFrame[]) =>
  createHash('sha256')
    .update(frames.map(({ path, name }) => `${name} ${statSync(path).size}\n`).join(''))
    .digest('hex')
    .slice(0, 16)

async function listSteps(request: Ask, tree: Tree, frames: readonly RawFrame[]): Promise<number> {
  const before = readSteps(tree)
  for (const [at, { name, title, frames: of }] of STEPS.entries()) {
    const state = before.get(name)?.status ?? 'to do'
    await request.print(
      `[${String(at + 3).padStart(2)}/${COUNT}]  ${name.padEnd(9)} ${state}: ${title} (${of(frames).length} frames)\n`,
    )
  }
  return Exit.done
}
