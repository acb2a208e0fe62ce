import { existsSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { DataError, type Job, type Row, type Tools } from '@nightpipe/command'
import { medianOf } from '@nightpipe/math'
import { combineGroup } from './combine-group.js'
import type { Damaged, ExamineArgs, Examined } from './examine.js'
import type { Candidate } from './groups.js'
import { judgeGroup } from './judge.js'
import type { MasterFacts } from './master-header.js'
import type { MasterJob } from './plan.js'
import type { schema } from './schema.js'

export type MasterTools = Tools<typeof schema>

/** A frame that goes into the master. */
export interface Used {
  frame: Candidate
  look: Examined
}

const STALE_SUM = 'the data do not agree with their DATASUM: damaged, or changed without a new sum'

/** One group of frames to one master. */
export async function makeMaster(job: Job<MasterJob>, tools: MasterTools): Promise<Row[]> {
  const { group } = job.params
  requireParents(job, tools)
  const looks = await tools.map<ExamineArgs, Examined | Damaged>(
    'examineFrame',
    group.frames.map((frame) => examineArgs(frame, job, tools)),
  )
  try {
    const seen = group.frames.map((frame, k) => ({ frame, look: looks[k] }))
    const whole = seen.flatMap(({ frame, look }): Used[] => ('damage' in look ? [] : [{ frame, look }]))
    const damaged = seen.flatMap(({ frame, look }): Row[] =>
      'damage' in look ? [{ input: frame.path, status: 'failed', reason: look.damage }] : [],
    )
    for (const { frame, look } of whole) {
      if (!look.whole) tools.log.warn(`${basename(frame.path)}: ${STALE_SUM}`)
    }
    return [...(await masterOf(whole, job, tools)), ...damaged]
  } finally {
    for (const { source } of looks) if (source.copied) rmSync(source.path, { force: true })
  }
}

async function masterOf(frames: Used[], job: Job<MasterJob>, tools: MasterTools): Promise<Row[]> {
  const { group } = job.params
  const { config } = tools
  const { saturated, level, noise, gradient, stars } = config.reject
  const { low, high } = config.flat
  const rules = { saturated, level, noise, gradient, stars, low, high, saturation: group.frames[0].facts.saturation }
  const statistics = frames.map(({ look }) => look.statistics)
  const reasons = judgeGroup(group.type, statistics, rules)
  const used = frames.filter((_, k) => !reasons[k])
  if (used.length < config.select.minimum) return tooFew(job, frames, reasons, config.select.minimum)
  const facts = await combineGroup(job, used, tools)
  return frames.map(({ frame, look }, k) => rowOf(frame, look, reasons[k], job, facts))
}

function requireParents({ params }: Job<MasterJob>, { config }: MasterTools): void {
  const { group, bias, dark } = params
  const what = group.name.replace(/\.fits$/, '')
  const needsBias = group.type !== 'bias' && (group.type !== 'dark' || config.dark.scale)
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

function examineArgs({ path, hdu, geometry, facts }: Candidate, job: Job<MasterJob>, tools: MasterTools): ExamineArgs {
  const { method, smooth } = tools.config.overscan
  return { path, hdu, geometry, method, smooth, saturation: facts.saturation, output: job.params.output }
}

function tooFew(job: Job<MasterJob>, frames: Used[], reasons: (string | undefined)[], minimum: number): Row[] {
  const good = reasons.filter((r) => r === undefined).length
  const why = `only ${good} of ${reasons.length} frames can be used for ${job.name}, ${minimum} needed (add frames, or lower [select] minimum)`
  return frames.map(({ frame, look }, k) => ({
    input: frame.path,
    status: reasons[k] ? 'rejected' : 'failed',
    reason: reasons[k] ?? why,
    measurements: measurements(frame, look),
  }))
}

function rowOf(
  frame: Candidate,
  look: Examined,
  reason: string | undefined,
  job: Job<MasterJob>,
  facts: MasterFacts,
): Row {
  const shared = { gain_e_adu: facts.gain?.value, readnoise_e: facts.readNoise?.value }
  return {
    input: frame.path,
    status: reason ? 'rejected' : 'done',
    reason,
    product: reason ? undefined : job.products[0],
    measurements: { ...measurements(frame, look), ...(reason ? {} : shared) },
  }
}

function measurements({ facts }: Candidate, { statistics, pedestals }: Examined): Row['measurements'] {
  return {
    type: facts.type,
    filter: facts.filter,
    exposure_s: facts.exposureSeconds,
    overscan_adu: medianOf(pedestals.map((p) => p.level)),
    level_adu: statistics.level,
    noise_adu: statistics.noise,
    saturated: statistics.saturatedFraction,
    stars: statistics.starFraction,
  }
}
