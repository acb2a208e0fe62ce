import { createHash } from 'node:crypto'
import { type Conducting, ConfigError } from '@nightpipe/command'
import { stemOf } from '@nightpipe/files'
import { eventsOfFields, type TriggerFile } from './events.js'
import type { RawFrame } from './frames.js'
import { type ModuleName, setOf } from './module-sections.js'
import { loadModule, type Module } from './modules.js'
import type { PipelineSchema } from './schema.js'
import { STAGES, type StageName, switchedOn } from './stages.js'
import { CALIBRATIONS, calibrationStep, groupStep, type Step, summarySteps } from './step.js'
import { type Strategy, strategyOf } from './strategy.js'

export interface NightPlan {
  strategy: Strategy
  steps: Step[]
  stages: StageName[]
  frames: RawFrame[]
  /** the trigger of each field that was observed for one */
  events: ReadonlyMap<string, TriggerFile>
  /** of the configurations of all modules */
  digest: string
  /** frames that no step takes, and why */
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
  const strategy = strategyOf(request.config, folder)
  const chosen = request.flags.only !== undefined
  const stages = stagesOf(request).filter((name) => chosen || !strategy.without.includes(name))
  const calibrated = frames.some(({ type }) => CALIBRATIONS.includes(type)) && request.config.calibration.build
  const masters = calibrated && stages.includes('reduction')
  const commands: ModuleName[] = [...(masters ? (['stack-calibrations'] as const) : []), ...stages]
  const modules = await loadModules(request, commands, strategy, folder)
  const groups = groupsOf(frames, strategy.frames)
  const steps: Step[] = []
  const calibrations = calibrationStep(request, frames, modules)
  if (calibrations && stages.includes('reduction')) steps.push(calibrations)
  for (const [group, members] of groups) {
    for (const stage of stages.filter((name) => name !== 'summary')) {
      steps.push(groupStep(request, group, stage, members, steps, modules.get(stage)!))
    }
  }
  const events = eventsOfFields(groups, request.config, request.log)
  if (stages.includes('summary'))
    steps.push(...summarySteps(request, [...groups.keys()], steps, { module: modules.get('summary')!, events }))
  const digest = createHash('sha256')
    .update([...modules.values()].map((one) => one.digest).join('\n'))
    .digest('hex')
    .slice(0, 16)
  return { strategy, steps, stages, frames, events, digest, aside: setAside(frames, groups) }
}

/** All modules at once: each is a process that prints its configuration. */
async function loadModules(request: Ask, commands: ModuleName[], strategy: Strategy, folder: string | undefined) {
  const set = setOf(strategy.modules, request.config)
  const loaded = commands.map((name) => loadModule(name, folder, set[name], request))
  const results = await Promise.allSettled(loaded)
  const problems = results.flatMap((result) => {
    if (result.status === 'fulfilled') return []
    if (result.reason instanceof ConfigError) return result.reason.problems
    throw result.reason
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return new Map(results.map((result, k) => [commands[k]!, (result as PromiseFulfilledResult<Module>).value]))
}

/** Science frames by group, in the order of time and one of each name; at most `most` of each group. */
function groupsOf(frames: readonly RawFrame[], most: number): Map<string, RawFrame[]> {
  const groups = new Map<string, RawFrame[]>()
  for (const frame of frames) {
    if (frame.group === undefined) continue
    const group = groups.get(frame.group)
    if (group) group.push(frame)
    else groups.set(frame.group, [frame])
  }
  const byTime = (a: RawFrame, b: RawFrame) => (a.mjd ?? 0) - (b.mjd ?? 0) || (a.path < b.path ? -1 : 1)
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(sorted.map(([group, list]) => [group, withoutTwins(list.sort(byTime)).slice(0, most || undefined)]))
}

/** Products bear the names of their frames: of frames with the same name the earliest is taken, whenever each arrived. */
function withoutTwins(frames: readonly RawFrame[]): RawFrame[] {
  const names = new Set<string>()
  return frames.filter(({ path }) => !names.has(stemOf(path)) && names.add(stemOf(path)))
}

const DIFFER = 'call pipeline for each night by itself, or let [workspace] headers name what differs'

function setAside(frames: readonly RawFrame[], groups: ReadonlyMap<string, RawFrame[]>): NightPlan['aside'] {
  const taken = new Set([...groups.values()].flat())
  return frames.flatMap((frame): NightPlan['aside'] => {
    const { path, type, group, reason } = frame
    if (type === 'unreadable') return [{ path, status: 'failed', reason: reason ?? 'cannot be read' }]
    if (group !== undefined && !taken.has(frame)) {
      const twin = groups.get(group)!.find((one) => stemOf(one.path) === stemOf(path))
      if (twin)
        return [{ path, status: 'failed', reason: `has the same name as ${twin.path} of its group (${DIFFER})` }]
      return [{ path, status: 'rejected', reason: 'beyond the frames that this strategy takes of a group' }]
    }
    if (group === undefined && !CALIBRATIONS.includes(type))
      return [{ path, status: 'rejected', reason: `is of type ${type}` }]
    return []
  })
}
