import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Conducting, ConfigError } from '@nightpipe/command'
import type { RawFrame } from './frames.js'
import { loadModule, type Module } from './modules.js'
import type { PipelineSchema } from './schema.js'
import { ALSO, SOURCES, STAGES, type StageName, switchedOn } from './stages.js'
import { type Strategy, strategyOf } from './strategy.js'

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
  /** further files and folders that it reads: masters, catalogues */
  reads: string[]
  after: Step[]
  /** the list of its products */
  made: string
}

export interface NightPlan {
  strategy: Strategy
  steps: Step[]
  stages: StageName[]
  frames: RawFrame[]
  /** frames that no step takes, and why */
  /** of the configurations of all modules */
  digest: string
  aside: { path: string; status: 'rejected' | 'failed'; reason: string }[]
}

type Ask = Conducting<PipelineSchema>

/** The stages of this call: those switched on, between --from and --until, or --only some. */
export function stagesOf({ config, flags }: Pick<Ask, 'config' | 'flags'>): StageName[] {
  const on = switchedOn(config)
  const only = flags.only as string[] | undefined
  const [from, until] = [flags.from, flags.until].map((name) => name as StageName | undefined)
  const unknown = only?.find((name) => !STAGES.includes(name as StageName))
  if (unknown) throw new ConfigError(`--only ${unknown}: expected some of ${STAGES.join(', ')}`)
  const first = from ? STAGES.indexOf(from) : 0
  const last = until ? STAGES.indexOf(until) : STAGES.length - 1
  if (first > last) throw new ConfigError(`--from ${from} comes after --until ${until}`)
  const wanted = only ?? on
  const stages = STAGES.filter((name, k) => wanted.includes(name) && k >= first && k <= last)
  if (stages.length === 0)
    throw new ConfigError('no stage is left to run', 'see [structure of pipeline], --from, --until')
  return stages
}

/** Every step of the night, each after those whose products it needs. Nothing is started yet but --print-config. */
export async function planNight(request: Ask, frames: RawFrame[], folder: string | undefined): Promise<NightPlan> {
  const stages = stagesOf(request)
  const strategy = strategyOf(request.config, folder)
  const modules = await loadModules(request, stages, strategy, folder)
  const groups = groupsOf(frames, strategy.frames)
  const steps: Step[] = []
  const calibrations = calibrationStep(request, frames, modules)
  if (calibrations && stages.includes('reduction')) steps.push(calibrations)
  for (const [group, members] of groups) {
    for (const stage of stages.filter((name) => name !== 'summary')) {
      steps.push(groupStep(request, group, stage, members, steps, modules.get(stage)!))
    }
  }
  if (stages.includes('summary'))
    steps.push(...summarySteps(request, [...groups.keys()], steps, modules.get('summary')!))
  const digest = createHash('sha256')
    .update([...modules.values()].map((one) => one.digest).join('\n'))
    .digest('hex')
    .slice(0, 16)
  return { strategy, steps, stages, frames, digest, aside: setAside(frames, groups) }
}

/** All modules at once: each is a process that prints its configuration. */
async function loadModules(request: Ask, stages: StageName[], strategy: Strategy, folder: string | undefined) {
  const commands = [...new Set(['stack-calibrations', ...stages])]
  const loaded = commands.map((name) => loadModule(name, folder, strategy.set[name] ?? [], request))
  const results = await Promise.allSettled(loaded)
  const problems = results.flatMap((result) => {
    if (result.status === 'fulfilled') return []
    if (result.reason instanceof ConfigError) return result.reason.problems
    throw result.reason
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return new Map(results.map((result, k) => [commands[k]!, (result as PromiseFulfilledResult<Module>).value]))
}

/** Science frames by group, in the order of time; at most `most` of each group. */
function groupsOf(frames: readonly RawFrame[], most: number): Map<string, RawFrame[]> {
  const groups = new Map<string, RawFrame[]>()
  for (const frame of frames) {
    if (frame.group !== undefined) groups.set(frame.group, [...(groups.get(frame.group) ?? []), frame])
  }
  const byTime = (a: RawFrame, b: RawFrame) => (a.mjd ?? 0) - (b.mjd ?? 0) || (a.path < b.path ? -1 : 1)
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(sorted.map(([group, list]) => [group, list.sort(byTime).slice(0, most || undefined)]))
}

function setAside(frames: readonly RawFrame[], groups: ReadonlyMap<string, RawFrame[]>): NightPlan['aside'] {
  const taken = new Set([...groups.values()].flat())
  return frames.flatMap((frame): NightPlan['aside'] => {
    const { path, type, group, reason } = frame
    if (type === 'unreadable') return [{ path, status: 'failed', reason: reason ?? 'cannot be read' }]
    if (group !== undefined && !taken.has(frame)) {
      return [{ path, status: 'rejected', reason: 'beyond the frames that this strategy takes of a group' }]
    }
    if (group === undefined && !CALIBRATIONS.includes(type))
      return [{ path, status: 'rejected', reason: `is of type ${type}` }]
    return []
  })
}

const CALIBRATIONS = ['bias', 'dark', 'flat']
const ROLES = ['bias', 'dark', 'flat']

/** Masters of the night's own calibration frames, where the configuration of reduction leaves one open. */
function calibrationStep(
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
    frames: raw.sort(),
    set: [],
    reads: [],
    after: [],
    made: join(output, 'calibrations.list'),
  }
  return { group: '', stage: 'calibrations', module: modules.get('stack-calibrations')!, folder, ...common }
}

function groupStep(
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
    return { ...base, lists: [listOf('frames')], frames, set, reads: after.length ? [masters] : [], after }
  }
  const there = (name: StageName) => step(name) !== undefined || existsSync(listOf(name))
  const source = SOURCES[stage].find(there)
  if (!source) {
    const wanted = SOURCES[stage].join(' or ')
    throw new ConfigError(`${stage} needs the products of ${wanted} in ${workspace}`, `switch ${SOURCES[stage][0]} on`)
  }
  const also = (ALSO[stage] ?? []).filter(there)
  const set =
    also.includes('findstars') && module.inForce.has('stars.catalogues')
      ? [`stars.catalogues=${join(workspace, 'findstars')}`]
      : []
  const reads = set.length > 0 ? [join(workspace, 'findstars')] : []
  const after = [source, ...also].map(step).filter((one) => one !== undefined)
  return { ...base, lists: [listOf(source)], set, reads, after }
}

/** A page for each field: the groups that have the outermost folder in common. */
function summarySteps({ output }: Ask, groups: readonly string[], steps: readonly Step[], module: Module): Step[] {
  const fields = [...new Set(groups.map((group) => group.split('/')[0]!))]
  return fields.map((field) => {
    const after = steps.filter((step) => step.group.split('/')[0] === field)
    const lists = [...new Set(after.map((step) => step.made))]
    const made = join(output, field, 'summary.list')
    return {
      group: field,
      stage: 'summary',
      module,
      folder: join(output, field, 'summary'),
      lists,
      set: [],
      reads: [],
      after,
      made,
    }
  })
}
