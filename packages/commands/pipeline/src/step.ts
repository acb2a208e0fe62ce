import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Conducting, ConfigError } from '@nightpipe/command'
import type { RawFrame } from './frames.js'
import type { Module } from './modules.js'
import type { PipelineSchema } from './schema.js'
import { ALSO, SOURCES, type StageName } from './stages.js'

type Ask = Conducting<PipelineSchema>

/** One process: a command on the frames of one group. */
export interface Step {
  /** group and stage: the key of the ledger */
  group: string
  stage: string
  module: Module
  /** where its products go */
  folder: string
  /** text files of paths that it takes as input: written by us, or by the steps before */
  lists: string[]
  /** the paths in the first list, where it is ours to write */
  frames?: string[]
  /** --set of this step beyond those of its module */
  set: string[]
  /** what else its products follow from, besides its own configuration */
  depends?: string
  /** further files and folders that it reads: masters, catalogues */
  reads: string[]
  /** what it makes of one frame does not depend on the others: only new frames are given to it */
  alone: boolean
  after: Step[]
  /** where its frames may come from, the best first; the others serve --keep-going where the first has failed */
  sources?: Source[]
  /** the list of its products */
  made: string
}

/** A stage whose products a step may take, by this run or by an earlier one. */
export interface Source {
  list: string
  step?: Step
}

/** Types of frames that masters are made of. */
export const CALIBRATIONS = ['bias', 'dark', 'flat']
const ROLES = ['bias', 'dark', 'flat']

/** Masters of the night's own calibration frames, where the configuration of reduction leaves one open. */
export function calibrationStep(
  { output, config }: Ask,
  frames: RawFrame[],
  modules: ReadonlyMap<string, Module>,
): Step | undefined {
  const reduction = modules.get('reduction')
  const said = (key: string) => reduction?.inForce.get(`calibration.${key}`)
  const open = !said('folder') && ROLES.some((role) => !said(role))
  const raw = frames.filter(({ type }) => CALIBRATIONS.includes(type)).map(({ path }) => path)
  if (!reduction || !open || !config.calibration.build || raw.length === 0) return undefined
  const folder = join(output, 'calibrations')
  const list = join(output, 'calibrations.frames.list')
  const common = {
    lists: [list],
    alone: false,
    frames: raw.sort(),
    ...linearityFor(modules.get('stack-calibrations')!, reduction),
    after: [],
    made: join(output, 'calibrations.list'),
  }
  return { group: '', stage: 'calibrations', module: modules.get('stack-calibrations')!, folder, ...common }
}

/** Masters are made of counts as linear as those of the frames, where their own configuration says nothing of it. */
function linearityFor(stack: Module, reduction: Module): Pick<Step, 'set' | 'reads'> {
  const said = ({ inForce }: Module) => [...inForce].filter(([key, value]) => /^linearity\b/.test(key) && value)
  const given = said(stack).length > 0 ? [] : said(reduction)
  const tables = given.flatMap(([key, value]) => (key.endsWith('.table') ? [value] : []))
  return { set: given.map(([key, value]) => `${key}=${value}`), reads: tables }
}

export function groupStep(
  request: Ask,
  group: string,
  stage: StageName,
  members: RawFrame[],
  steps: Step[],
  module: Module,
): Step {
  const workspace = join(request.output, group)
  const listOf = (name: string) => join(workspace, `${name}.list`)
  const base = { group, stage, module, folder: join(workspace, stage), made: listOf(stage) }
  const mine = steps.filter((step) => step.group === group)
  const step = (name: string) => mine.find((one) => one.stage === name)
  if (stage === 'reduction') {
    const calibrations = steps.find((one) => one.stage === 'calibrations')
    const masters = join(request.output, 'calibrations')
    const set = calibrations ? [`calibration.folder=${masters}`] : []
    const after = calibrations ? [calibrations] : []
    const frames = members.map(({ path }) => path).sort()
    const lists = { lists: [listOf('frames')], frames, set, reads: after.length ? [masters] : [], after }
    return { ...base, ...lists, alone: isAlone(module) }
  }
  const given = givenFrames(members)
  const there = (name: StageName) =>
    step(name) !== undefined || (given !== undefined && name === 'reduction') || existsSync(listOf(name))
  const found = SOURCES[stage].filter(there)
  if (!found[0]) {
    const wanted = SOURCES[stage].join(' or ')
    throw new ConfigError(`${stage} needs the products of ${wanted} in ${workspace}`, `switch ${SOURCES[stage][0]} on`)
  }
  const also = (ALSO[stage] ?? []).filter(there)
  const takes = also.includes('findstars') && module.inForce.get('stars.catalogues') === ''
  const set = takes ? [`stars.catalogues=${join(workspace, 'findstars')}`] : []
  if (stage === 'subtraction')
    set.push(...referenceFor(module, also.includes('stacking') && join(workspace, 'stacking')))
  const sources = found.map(
    (name): Source => ({ list: listOf(given && name === 'reduction' ? 'frames' : name), step: step(name) }),
  )
  const frames = given && found[0] === 'reduction' ? { frames: given } : {}
  // One that does not read catalogues need not wait for them.
  const waits = also.filter((name) => name !== 'findstars' || takes)
  const after = [...new Set([...found, ...waits])].map(step).filter((one) => one !== undefined)
  // Catalogues follow from the frames and the configuration of findstars.
  const depends = takes ? (step('findstars')?.module.digest ?? '') : ''
  return {
    ...base,
    ...frames,
    lists: [sources[0]!.list],
    set,
    depends,
    reads: [],
    sources,
    after,
    alone: isAlone(module),
  }
}

/** Frames that were reduced elsewhere: they stand for the products of reduction. */
const givenFrames = (members: readonly RawFrame[]): string[] | undefined =>
  members.every(({ type }) => type === 'reduced') ? members.map(({ path }) => path).sort() : undefined

/** What is subtracted where the configuration names nothing: the stack of the group, else its best frame. */
function referenceFor({ inForce }: Module, stack: string | false): string[] {
  if (inForce.get('reference.file') !== '' || inForce.get('reference.best') === 'yes') return []
  return [stack ? `reference.file=${stack}` : 'reference.best=yes']
}

/** Whether a command makes something of a frame that does not depend on the other frames of its group. */
function isAlone({ command, inForce }: Module): boolean {
  if (command === 'findstars') return !inForce.get('quality.jump') // a jump is one from the frame before
  if (command === 'subtraction') return inForce.get('reference.file') !== ''
  if (command !== 'reduction') return false
  const compares = inForce.get('cosmic rays.compare') !== '0' && inForce.get('cosmic rays.method') !== 'none'
  return !compares && inForce.get('pattern.make') !== 'yes'
}

/** A page for each field, the groups that have the outermost folder in common: of all that this and earlier calls made. */
export function summarySteps(
  { output }: Ask,
  groups: readonly string[],
  steps: readonly Step[],
  { module, events }: { module: Module; events: ReadonlyMap<string, { file: string }> },
): Step[] {
  const fields = [...new Set(groups.map((group) => group.split('/')[0]!))]
  return fields.map((field) => {
    const after = steps.filter((step) => step.group.split('/')[0] === field)
    const own = groups.filter((group) => group.split('/')[0] === field)
    const there = own.flatMap((group) => SOURCES.summary.map((name) => join(output, group, `${name}.list`)))
    const lists = [...new Set([...after.map((step) => step.made), ...there.filter((list) => existsSync(list))])]
    const made = join(output, field, 'summary.list')
    const event = events.get(field)
    return {
      group: field,
      stage: 'summary',
      module,
      folder: join(output, field, 'summary'),
      lists,
      set: event ? [`event.trigger=${event.file}`] : [],
      reads: event ? [event.file] : [],
      alone: false,
      after,
      made,
    }
  })
}
