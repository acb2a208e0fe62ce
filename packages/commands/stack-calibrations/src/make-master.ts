import { rmSync } from 'node:fs'
import { DataError, type Job, type Row, startProduct, type Tools } from '@nightpipe/command'
import { createHeader, imageHdu, type NewHdu, numberOf, openFits } from '@nightpipe/fits'
import type { NoiseModel } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { type CombineArgs, type Combined, HISTOGRAM_BINS, type Plane } from './combine-rows.js'
import type { ExamineArgs, Examined } from './examine.js'
import type { Candidate } from './groups.js'
import { judgeGroup } from './judge.js'
import { type MasterFacts, masterCards } from './master-header.js'
import type { MasterJob } from './plan.js'
import type { schema } from './schema.js'
import { gainOfPair, type Measured, pooled, readNoiseOfPair, weightedMean } from './transfer.js'

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
  const examined = await tools.map<ExamineArgs, Examined>(
    'examineFrame',
    group.frames.map((f) => examineArgs(f, job, tools)),
  )
  try {
    const saturation = group.frames[0].facts.saturation
    const { saturated, level, noise, gradient, stars } = config.reject
    const rules = { saturated, level, noise, gradient, stars, low: config.flat.low, high: config.flat.high, saturation }
    const reasons = judgeGroup(
      group.type,
      examined.map((e) => e.statistics),
      rules,
    )
    const used = group.frames.flatMap((frame, k) => (reasons[k] ? [] : [{ frame, look: examined[k] }]))
    if (used.length < config.select.minimum) return tooFew(job, reasons, examined, config.select.minimum)
    const facts = await combine(job, used, tools)
    return group.frames.map((frame, k) => rowOf(frame, examined[k], reasons[k], job, facts))
  } finally {
    for (const { source } of examined) if (source.kind === 'copy') rmSync(source.path, { force: true })
    await tools.map(
      'closeSources',
      Array.from({ length: tools.workers }, () => 0),
    )
  }
}

interface Used {
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

function examineArgs(
  { path, hdu, width, height, facts }: Candidate,
  job: Job<MasterJob>,
  tools: MasterTools,
): ExamineArgs {
  const { method, smooth } = tools.config.overscan
  const amplifiers =
    facts.amplifiers.length > 0 ? facts.amplifiers : [{ data: facts.data, overscan: facts.overscan[0] }]
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

/** Read noise from the biases, gain from the flats, on pairs of neighbours in time. */
function transfer(
  type: string,
  used: readonly Used[],
  readNoiseAdu: number,
  below: number,
): { readNoiseAdu?: Measured; gain?: Measured } {
  const pairs = used.slice(1, MOST_PAIRS + 1).map(({ look }, k) => [used[k].look.sample, look.sample] as const)
  const { data } = used[0].frame.facts
  const width = data.x1 - data.x0
  if (type === 'bias') return { readNoiseAdu: pooled(pairs.map(([a, b]) => readNoiseOfPair(a, b, width))) }
  if (type !== 'flat') return {}
  return { gain: weightedMean(pairs.flatMap(([a, b]) => gainOfPair(a, b, readNoiseAdu, below) ?? [])) }
}

/** What the masters that are subtracted know: their level, and the read noise that the biases showed. */
interface ParentLevel {
  median: number
  readNoiseAdu?: number
}

function levelOf(path: string | undefined): ParentLevel {
  if (!path) return { median: 0 }
  const file = openFits(path)
  try {
    const { header } = imageHdu(file)
    return { median: numberOf(header, 'MEDIAN') ?? 0, readNoiseAdu: numberOf(header, 'RDNADU') }
  } finally {
    file.close()
  }
}

async function combine(job: Job<MasterJob>, used: readonly Used[], tools: MasterTools): Promise<MasterFacts> {
  const { type } = job.params.group
  const { config } = tools
  const header = used[0].frame.facts
  const [bias, dark] = [levelOf(job.params.bias), levelOf(job.params.dark)]
  const noiseAdu = bias.readNoiseAdu ?? (header.readNoise ?? 0) / (header.gain ?? 1)
  const measured = transfer(type, used, noiseAdu, bias.median)
  const gain = measured.gain?.value ?? header.gain
  const scaled = type === 'dark' && config.dark.scale
  const planes = used.map(({ frame, look }): Plane => {
    const seconds = frame.facts.exposureSeconds ?? 0
    const darkScale = job.params.dark ? seconds : 0
    const level = look.statistics.level - bias.median - darkScale * dark.median
    const scale = type === 'flat' ? 1 / level : scaled ? 1 / seconds : 1
    return { source: look.source, pedestals: look.pedestals, darkScale, scale, saturation: frame.facts.saturation }
  })
  const noise = noiseOf(type, used, measured.readNoiseAdu?.value ?? noiseAdu, gain, config.flat.varies)
  const facts = factsOf(job, used, scaled, measured, gain)
  const product = startProduct(job.products[0], planesOf(facts), tools.context)
  try {
    const width = header.data.x1 - header.data.x0
    const height = header.data.y1 - header.data.y0
    const histogram = boundsOf(type, used, planes, bias.median)
    const { method, clip, drop } = config.combine
    const shared = {
      ...{ plan: product.writer.plan, type, planes, width: used[0].frame.width, data: header.data, noise, histogram },
      ...{ bias: job.params.bias, dark: job.params.dark, method, clip, drop, mask: config.mask },
    }
    const tasks: CombineArgs[] = []
    for (let y = 0; y < height; y += ROWS_PER_TASK) {
      const rows = Math.min(ROWS_PER_TASK, height - y)
      tasks.push({
        ...shared,
        planes: planes.map((plane) => planeRows(plane, header.data.y0 + y, rows)),
        first: y,
        rows,
      })
    }
    const parts = await tools.map<CombineArgs, Combined>('combineRows', tasks)
    for (const part of parts) for (const [k, sum] of part.sums.entries()) product.writer.addSum(k, sum)
    finishFacts(facts, parts, histogram, width * height)
    for (const [keyword, value] of masterCards(facts)) product.writer.setCard(0, keyword, value)
    product.finish(job.parents)
    return facts
  } catch (error) {
    product.discard()
    throw error
  }
}

/** A plane with only those row-wise pedestals that a task needs. */
function planeRows(plane: Plane, first: number, rows: number): Plane {
  const pedestals = plane.pedestals.map((pedestal) => {
    if (!pedestal.rows) return pedestal
    const { data } = pedestal
    const [y0, y1] = [Math.max(first, data.y0), Math.min(first + rows, data.y1)]
    return {
      ...pedestal,
      data: { ...data, y0, y1 },
      rows: pedestal.rows.slice(y0 - data.y0, Math.max(y0, y1) - data.y0),
    }
  })
  return { ...plane, pedestals }
}

/** What one frame's pixel varies by, in ADU before scaling: read noise, photons, and what grows with the light. */
function noiseOf(
  type: string,
  used: readonly Used[],
  readNoiseAdu: number,
  gain: number | undefined,
  varies: number,
): NoiseModel {
  const seen = medianOf(used.map(({ look }) => look.statistics.noise))
  // Without a read noise the noise seen is taken: it holds the pixels' own structure too, and so rejects less.
  const variance0 = (readNoiseAdu || seen) ** 2
  const variancePerUnit = type === 'bias' || !gain ? 0 : 1 / gain
  if (type === 'bias') return { variance0, variancePerUnit: 0 }
  if (!gain) return { variance0: seen ** 2, variancePerUnit: 0, relative: type === 'flat' ? varies : undefined }
  return { variance0, variancePerUnit, relative: type === 'flat' ? varies : undefined }
}

function boundsOf(
  type: string,
  used: readonly Used[],
  planes: readonly Plane[],
  below: number,
): { low: number; high: number } {
  if (type === 'flat') return { low: 0, high: 2 }
  const level = medianOf(used.map(({ look }, k) => (look.statistics.level - below) * planes[k].scale))
  const noise = medianOf(used.map(({ look }, k) => look.statistics.noise * planes[k].scale)) || 1
  return { low: level - 40 * noise, high: level + 40 * noise }
}

function factsOf(
  job: Job<MasterJob>,
  used: readonly Used[],
  scaled: boolean,
  measured: { readNoiseAdu?: Measured; gain?: Measured },
  gain: number | undefined,
): MasterFacts {
  const { type } = job.params.group
  const first = used[0].frame
  const seconds = used.map(({ frame }) => frame.facts.exposureSeconds ?? 0)
  const readNoise =
    measured.readNoiseAdu && first.facts.gain
      ? { value: measured.readNoiseAdu.value * first.facts.gain, error: measured.readNoiseAdu.error * first.facts.gain }
      : first.facts.readNoise === undefined
        ? undefined
        : { value: first.facts.readNoise, error: Number.NaN }
  return {
    ...{ type, first, frames: used.length, unit: type === 'flat' ? '' : scaled ? 'adu/s' : 'adu', readNoise },
    exposure: scaled ? 1 : type === 'dark' ? medianOf(seconds) : type === 'bias' ? 0 : undefined,
    depth: type === 'bias' ? 0 : seconds.reduce((sum, s) => sum + s, 0),
    gain: measured.gain ?? (gain === undefined ? undefined : { value: gain, error: Number.NaN }),
    readNoiseAdu: measured.readNoiseAdu,
    ...{ mean: 0, median: 0, rms: 0, rejected: 0, hot: 0, bad: 0, low: 0, noData: 0 },
  }
}

function planesOf(facts: MasterFacts): NewHdu[] {
  const { data } = facts.first.facts
  const axes = [data.x1 - data.x0, data.y1 - data.y0]
  const unit = createHeader([['BUNIT', facts.unit, 'unit of the pixels']])
  return [
    { kind: 'image', bitpix: -32, axes, header: createHeader(masterCards(facts)) },
    { kind: 'image', name: 'ERR', bitpix: -32, axes, header: unit },
    {
      kind: 'image',
      name: 'MASK',
      bitpix: 16,
      axes,
      header: createHeader([['BUNIT', '', 'bits, see the documentation']]),
    },
  ]
}

/** Statistics of the whole from those of its parts, which come in a fixed order. */
function finishFacts(
  facts: MasterFacts,
  parts: readonly Combined[],
  { low, high }: { low: number; high: number },
  pixels: number,
): void {
  const [good, total, squares] = [0, 1, 2].map((k) => parts.reduce((sum, part) => sum + part.moments[k], 0))
  const histogram = new Float64Array(HISTOGRAM_BINS)
  for (const part of parts) {
    facts.rejected += part.rejected
    facts.hot += part.counts.hot
    facts.bad += part.counts.bad
    facts.low += part.counts.low
    facts.noData += part.counts.noData
    for (let b = 0; b < HISTOGRAM_BINS; b++) histogram[b] += part.histogram[b]
  }
  if (good === 0)
    throw new DataError(`none of the ${pixels} pixels of the master is good`, 'look at the frames, or relax [mask]')
  facts.mean = (low + high) / 2 + total / good
  facts.rms = Math.sqrt(Math.max(0, squares / good - (total / good) ** 2))
  facts.median = medianOfHistogram(histogram, good, low, high)
}

function medianOfHistogram(histogram: Float64Array, count: number, low: number, high: number): number {
  let below = 0
  for (let b = 0; b < histogram.length; b++) {
    if (below + histogram[b] >= count / 2) {
      return low + ((high - low) * (b + (count / 2 - below) / histogram[b])) / histogram.length
    }
    below += histogram[b]
  }
  return high
}
