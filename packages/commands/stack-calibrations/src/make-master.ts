import { rmSync } from 'node:fs'
import { DataError, type Job, type Row, type Tools, startProduct } from '@nightpipe/command'
import { createHeader, type NewHdu, type StripPlan } from '@nightpipe/fits'
import type { Section } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { type CombineArgs, type Combined, HISTOGRAM_BINS, type Plane } from './combine-rows.js'
import type { Examined, ExamineArgs } from './examine.js'
import type { Candidate } from './groups.js'
import { judgeGroup } from './judge.js'
import { masterCards, type MasterFacts } from './master-header.js'
import type { MasterJob } from './plan.js'
import type { schema } from './schema.js'
import { gainOfPair, type Measured, pooled, readNoiseOfPair } from './transfer.js'

type MasterTools = Tools<typeof schema>

/** Rows per task: fixed, so that the parts are the same whatever the number of threads. */
const ROWS_PER_TASK = 64
/** Pairs of frames that the photon transfer looks at: more would tell little that is new. */
const MOST_PAIRS = 16

/** One group of frames to one master. */
export async function makeMaster(job: Job<MasterJob>, tools: MasterTools): Promise<Row[]> {
  const { group } = job.params
  const { config } = tools
  requireParents(job, tools)
  const examined = await tools.map<ExamineArgs, Examined>('examineFrame', group.frames.map((f) => examineArgs(f, job, tools)))
  try {
    const saturation = group.frames[0].facts.saturation
    const { saturated, level, noise, gradient, stars } = config.reject
    const rules = { saturated, level, noise, gradient, stars, low: config.flat.low, high: config.flat.high, saturation }
    const reasons = judgeGroup(group.type, examined.map((e) => e.statistics), rules)
    const used = group.frames.flatMap((frame, k) => (reasons[k] ? [] : [{ frame, look: examined[k] }]))
    if (used.length < config.select.minimum) return tooFew(job, reasons, examined, config.select.minimum)
    const facts = await combine(job, used, tools)
    return group.frames.map((frame, k) => rowOf(frame, examined[k], reasons[k], job, facts))
  } finally {
    for (const { source } of examined) if (source.kind === 'copy') rmSync(source.path, { force: true })
    await tools.map('closeSources', Array.from({ length: tools.workers }, () => 0))
  }
}

export interface Used {
  frame: Candidate
  look: Examined
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
}

function examineArgs({ path, hdu, width, height, facts }: Candidate, job: Job<MasterJob>, tools: MasterTools): ExamineArgs {
  const { method, smooth } = tools.config.overscan
  const amplifiers = facts.amplifiers.length > 0 ? facts.amplifiers : [{ data: facts.data, overscan: facts.overscan[0] }]
  const sections = amplifiers.map(({ data, overscan }) => ({ data, overscan }))
  const { data, saturation } = facts
  return { path, hdu, width, height, data, amplifiers: sections, method, smooth, saturation, output: job.params.output }
}

function tooFew(job: Job<MasterJob>, reasons: (string | undefined)[], examined: Examined[], minimum: number): Row[] {
  const good = reasons.filter((r) => r === undefined).length
  const why = `only ${good} of ${reasons.length} frames can be used for ${job.name}, ${minimum} needed (add frames, or lower [select] minimum)`
  return job.params.group.frames.map((frame, k) => ({
    input: frame.path,
    status: reasons[k] ? 'rejected' : 'failed',
    reason: reasons[k] ?? why,
    measurements: measurements(frame, examined[k]),
  }))
}

function rowOf(frame: Candidate, look: Examined, reason: string | undefined, job: Job<MasterJob>, facts: MasterFacts): Row {
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

/** Read noise from the biases, gain from the flats; what cannot be measured is taken from the header. */
export function transfer(type: string, used: readonly Used[]): { readNoiseAdu?: Measured; gain?: Measured } {
  const pairs = used.slice(1, MOST_PAIRS + 1).map(({ look }, k) => [used[k].look.sample, look.sample] as const)
  if (type === 'bias') return { readNoiseAdu: pooled(pairs.map(([a, b]) => readNoiseOfPair(a, b))) }
  if (type !== 'flat') return {}
  const { gain = Number.NaN, readNoise = Number.NaN } = used[0].frame.facts
  const adu = readNoise / gain
  const gains = pairs.flatMap(([a, b]) => gainOfPair(a, b, Number.isFinite(adu) ? adu : 0) ?? [])
  const all = pooled(gains.map((g) => g.value))
  return all ? { gain: { value: all.value, error: Math.max(all.error, medianOf(gains.map((g) => g.error)) / Math.sqrt(gains.length)) } } : {}
}
