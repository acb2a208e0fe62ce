import { existsSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { DataError, type Job, type Row, type Tools } from '@nightpipe/command'
import { medianOf } from '@nightpipe/math'
import { combineGroup } from './combine-group.js'
import { readParents } from './detector.js'
import type { ExamineArgs, Examined, Unreadable } from './examine.js'
import { isBent } from './geometry.js'
import type { Candidate } from './groups.js'
import { judgeGroup } from './judge.js'
import { judgeLamps } from './judge-lamps.js'
import type { MasterFacts } from './master-header.js'
import type { MasterJob } from './plan.js'
import type { BiasOf } from './sample.js'
import type { schema } from './schema.js'
import type { Source } from './source.js'

export type MasterTools = Tools<typeof schema>

/** A frame that goes into the master. */
export interface Used {
  frame: Candidate
  look: Examined
}

const STALE_SUM = 'the data do not agree with their DATASUM: damaged, or changed without a new sum'

/** Why a frame is not in the master. */
interface Refusal {
  status: 'rejected' | 'failed'
  reason: string
}

/** One group of frames to one master. */
export async function makeMaster(job: Job<MasterJob>, tools: MasterTools): Promise<Row[]> {
  const { group } = job.params
  requireParents(job, tools)
  const { net } = readParents(job.params)
  const looks = await tools.map<ExamineArgs, Examined | Unreadable>(
    'examineFrame',
    group.frames.map((frame) => examineArgs(frame, job, net, tools)),
    { digests: 'later' },
  )
  try {
    const warn = damageWarner(looks, tools)
    warn()
    const refusals = judge(job.params, looks, tools)
    for (;;) {
      const used = group.frames.flatMap((frame, k): Used[] =>
        refusals[k] ? [] : [{ frame, look: looks[k] as Examined }],
      )
      if (used.length < fewestOf(group.type, tools)) return tooFew(job, refusals, looks, tools)
      const made = await combineGroup(job, used, tools, () => readTheRest(looks, tools))
      warn()
      if (!Array.isArray(made)) return group.frames.map((frame, k) => rowOf(frame, looks[k], refusals[k], job, made))
      // Damage that the sample did not show: the others are combined without the frames that have it.
      for (const { frame, reason } of made) refusals[group.frames.indexOf(frame)] = { status: 'failed', reason }
    }
  } finally {
    for (const look of looks) if ('source' in look && look.source.copied) rmSync(look.source.path, { force: true })
  }
}

/** Says which frames do not agree with their sum, each once, as soon as that is known. */
function damageWarner(looks: readonly (Examined | Unreadable)[], { log }: MasterTools): () => void {
  const said = new Set<Examined | Unreadable>()
  return () => {
    for (const look of looks) {
      if (!('source' in look) || look.whole !== false || said.has(look)) continue
      said.add(look)
      log.warn(`${basename(look.source.path)}: ${STALE_SUM}`)
    }
  }
}

/** Frames that were not read to their end yet, also those that are not in the master: it names the digests of all. */
async function readTheRest(looks: readonly (Examined | Unreadable)[], tools: MasterTools): Promise<void> {
  const rest = looks.filter((look): look is Examined => 'source' in look && look.whole === undefined)
  const sources = rest.map(({ source }) => source)
  const verdicts = await tools.map<Source, boolean>('readToEnd', sources, { digests: 'later' })
  for (const [k, look] of rest.entries()) look.whole = verdicts[k]!
}

/** The rules of the configuration, on the frames that can be read. */
function judge(
  { group }: MasterJob,
  looks: (Examined | Unreadable)[],
  { config }: MasterTools,
): (Refusal | undefined)[] {
  const { saturated, level, noise, gradient, stars } = config.reject
  const { low, high } = config.flat
  const rules = { saturated, level, noise, gradient, stars, low, high, saturation: group.frames[0].facts.saturation }
  const readable = looks.filter((look) => 'statistics' in look)
  const reasons =
    group.type === 'lamp'
      ? judgeLamps(
          readable.map((look) => ({ lamp: look.lamp!, noise: look.statistics.noise })),
          group.frames[0].geometry.width,
        )
      : judgeGroup(
          group.type,
          readable.map((look) => look.statistics),
          rules,
        )
  return looks.map((look) => {
    if ('unreadable' in look) return { status: 'failed', reason: look.unreadable }
    const reason = reasons[readable.indexOf(look)]
    return reason === undefined ? undefined : { status: 'rejected', reason }
  })
}

/** Good frames that a master is made of, at least. */
const fewestOf = (type: string, { config }: MasterTools) =>
  type === 'lamp' ? config.spectra['flat frames'] : config.select.minimum

function requireParents({ params }: Job<MasterJob>, { config }: MasterTools): void {
  const { group, bias, dark, singles } = params
  const what = group.name.replace(/\.fits$/, '')
  const { geometry } = group.frames[0]
  const hasLevel = geometry.amplifiers.every(({ overscan }) => overscan) && config.overscan.method !== 'none'
  const needsBias =
    group.type === 'lamp'
      ? isBent(geometry) && !hasLevel
      : !singles && group.type !== 'bias' && (group.type !== 'dark' || config.dark.scale)
  if (needsBias && !bias) {
    throw new DataError(
      `${what} needs a master bias of ${group.frames[0].facts.instrument}, and there is none`,
      `put ${config.select.minimum} bias frames into the input, or name a folder of masters in [calibration] folder`,
    )
  }
  if (config.flat.dark === 'required' && group.type === 'flat' && !dark) {
    throw new DataError(`${what} needs a master dark, and there is none`, 'add dark frames, or set [flat] dark = auto')
  }
  for (const path of [bias, dark]) {
    if (path && !existsSync(path)) throw new DataError(`${what} needs ${basename(path)}, and that is not there`)
  }
}

function examineArgs(
  { path, hdu, geometry, facts }: Candidate,
  job: Job<MasterJob>,
  bias: BiasOf | undefined,
  tools: MasterTools,
): ExamineArgs {
  const { method, smooth } = tools.config.overscan
  const lamp = job.params.group.type === 'lamp'
  return { path, hdu, geometry, method, smooth, saturation: facts.saturation, output: job.params.output, lamp, bias }
}

function tooFew(
  job: Job<MasterJob>,
  refusals: (Refusal | undefined)[],
  looks: (Examined | Unreadable)[],
  { config }: MasterTools,
): Row[] {
  const lamp = job.params.group.type === 'lamp'
  // what an earlier run made of other frames must not be taken for that of these
  if (lamp) rmSync(job.products[0], { force: true })
  const good = refusals.filter((refusal) => refusal === undefined).length
  const [key, least] = lamp
    ? ['[spectra] flat frames', config.spectra['flat frames']]
    : ['[select] minimum', config.select.minimum]
  const counted = `only ${good} of ${refusals.length} frames can be used for ${job.name}, ${least} needed`
  const reason = `${counted} (add frames, or lower ${key})`
  return job.params.group.frames.map((frame, k) => {
    const { status, reason: why } = refusals[k] ?? { status: 'failed', reason }
    return { input: frame.path, status, reason: why, measurements: measurements(frame, looks[k]) }
  })
}

function rowOf(
  frame: Candidate,
  look: Examined | Unreadable,
  refusal: Refusal | undefined,
  job: Job<MasterJob>,
  facts: MasterFacts,
): Row {
  const own = measurements(frame, look)
  if (refusal) return { input: frame.path, ...refusal, measurements: own }
  const shared = { gain_e_adu: facts.gain?.value, readnoise_e: facts.readNoise?.value }
  return { input: frame.path, status: 'done', product: job.products[0], measurements: { ...own, ...shared } }
}

function measurements({ facts }: Candidate, look: Examined | Unreadable): Row['measurements'] {
  const { type, filter, exposureSeconds } = facts
  const said = { type, filter, exposure_s: exposureSeconds }
  if ('unreadable' in look) return said
  const { statistics, pedestals } = look
  return {
    ...said,
    overscan_adu: medianOf(pedestals.map((p) => p.level)),
    level_adu: statistics.level,
    noise_adu: statistics.noise,
    saturated: statistics.saturatedFraction,
    stars: statistics.starFraction,
  }
}
