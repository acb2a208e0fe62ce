import { type Job, startProduct } from '@nightpipe/command'
import { createHeader, type FitsWriter, type Header, type NewHdu } from '@nightpipe/fits'
import type { NoiseModel } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import type { Broken, CombineArgs, Combined, Plane, Recipe } from './combine-rows.js'
import { combineShared } from './combine-shared.js'
import { type Detector, measureDetector, type Parents, readParents } from './detector.js'
import type { Candidate } from './groups.js'
import { variationOf } from './judge.js'
import type { MasterTools, Used } from './make-master.js'
import { factsOf, summarise, type Tally } from './master-facts.js'
import { type MasterFacts, masterCards } from './master-header.js'
import type { RescaleArgs } from './normalise.js'
import type { MasterJob } from './plan.js'
import { treeCards, treeMasterHeader } from './tree-header.js'

type Answer = Combined | Broken

/** Rows per task: fixed, so that the parts are the same whatever the number of threads. */
const ROWS_PER_TASK = 64

/**
 * The frames of a group that passed, combined into the master, which is written as it grows. `readTheRest` makes the
 * digests of the frames.
 */
export async function combineGroup(
  job: Job<MasterJob>,
  used: readonly Used[],
  tools: MasterTools,
  readTheRest: () => Promise<void>,
): Promise<MasterFacts | Damaged[]> {
  const parents = readParents(job.params)
  const detector = await measureDetector(job.params.group.type, used, parents, tools)
  const facts = factsOf(job, used, detector, tools)
  const { tree } = job.params
  const header = tree ? treeMasterHeader(facts, pathsOf(used), tree, tools.profile) : createHeader(masterCards(facts))
  const product = startProduct(job.products[0], planesOf(facts, header), tools.context)
  const { writer } = product
  try {
    const recipe = recipeOf(job.params, used, parents, detector, writer, tools)
    const { width, height } = recipe.geometry
    const tasks = inBlocks(height, (first, rows): CombineArgs => ({ recipe, first, rows }))
    const shared = await combineShared(recipe, used, tasks, tools)
    const answers =
      shared?.answers ?? (await tools.map<CombineArgs, Answer>('combineRows', tasks, { digests: 'later' }))
    const broken = answers.filter((answer) => 'plane' in answer)
    if (broken.length > 0) {
      product.discard()
      return damagedFrames(used, broken)
    }
    const parts = answers as Combined[]
    const tally = summarise(parts, recipe.histogram, width * height)
    const rewritten = facts.type === 'flat' ? await normalise(writer, recipe.geometry, parts, tally, tools) : undefined
    for (const [k, { sums }] of parts.entries()) {
      const [image, error] = rewritten?.[k] ?? sums
      for (const [plane, sum] of [image, error, sums[MASK]].entries()) writer.addSum(plane, sum)
    }
    Object.assign(facts, tally)
    writer.flushAhead()
    await shared?.readTheRest()
    await readTheRest()
    for (const [keyword, value] of tree ? treeCards(facts) : masterCards(facts)) writer.setCard(0, keyword, value)
    product.finish(job.parents)
    return facts
  } catch (error) {
    product.discard()
    throw error
  }
}

/** A frame that turned out to be damaged. */
export interface Damaged {
  frame: Candidate
  reason: string
}

const damagedFrames = (used: readonly Used[], broken: readonly Broken[]): Damaged[] =>
  [...new Map(broken.map(({ plane, unreadable }) => [plane, unreadable]))].map(([plane, reason]) => ({
    frame: used[plane].frame,
    reason,
  }))

const MASK = 2

/**
 * A flat that was written, and its errors, divided by its mean; its tally follows. Returns the sums of both planes.
 *
 * A flat in ADU holds what the gains of amplifiers differ by. The mean is that of its electrons, so that dividing by the
 * flat neither adds light nor takes any, however the gains lie about their mean.
 */
async function normalise(
  { plan }: FitsWriter,
  { width, height, amplifiers }: Recipe['geometry'],
  parts: readonly Combined[],
  tally: Tally,
  tools: Pick<MasterTools, 'map'>,
): Promise<number[][]> {
  const good = parts.reduce((sum, part) => sum + part.moments[0], 0)
  const uneven = parts.reduce((sum, part) => sum + part.uneven, 0)
  const factor = 1 / (tally.mean + uneven / good)
  const tasks = inBlocks(height, (first, rows): RescaleArgs => ({ plan, width, first, rows, factor }))
  const sums = await tools.map<RescaleArgs, number[]>('rescaleRows', tasks, { digests: 'later' })
  const mean = amplifiers.length > 1 ? tally.mean * factor : 1
  Object.assign(tally, { mean, median: tally.median * factor, rms: tally.rms * factor })
  return sums
}

function inBlocks<T>(height: number, task: (first: number, rows: number) => T): T[] {
  const count = Math.ceil(height / ROWS_PER_TASK)
  return Array.from({ length: count }, (_, k) =>
    task(k * ROWS_PER_TASK, Math.min(ROWS_PER_TASK, height - k * ROWS_PER_TASK)),
  )
}

function recipeOf(
  { group: { type }, bias, dark }: MasterJob,
  used: readonly Used[],
  parents: Parents,
  detector: Detector,
  { plan }: FitsWriter,
  { config, memoryBytes, workers }: MasterTools,
): Recipe {
  const { method, clip, drop } = config.combine
  const scaled = type === 'dark' && config.dark.scale
  const light = used.reduce((sum, { look }) => sum + (look.lamp?.light ?? 0), 0) / used.length
  const planes = used.map(({ frame, look }): Plane => {
    const seconds = frame.facts.exposureSeconds ?? 0
    const darkScale = dark ? seconds : 0
    const level = look.statistics.level - parents.bias.median - darkScale * parents.dark.median
    const { source, pedestals } = look
    if (type === 'lamp') {
      // each brought to the light of a typical one, and weighted by its own: their plain mean, where nothing stands out
      const scale = light / look.lamp!.light
      return { source, pedestals, darkScale, scale, weight: 1 / scale, saturation: frame.facts.saturation }
    }
    const scale = type === 'flat' ? 1 / level : scaled ? 1 / seconds : 1
    const weight = type === 'flat' ? level ** 2 / (detector.readNoiseAdu[0] ** 2 + level / (detector.gain[0] ?? 1)) : 1
    return { source, pedestals, darkScale, scale, weight, saturation: frame.facts.saturation }
  })
  const varies =
    type === 'lamp'
      ? LAMPS_VARY
      : type === 'flat'
        ? config.flat.varies || variationOf(used.map(({ look }) => look.statistics)) / 2
        : 0
  return {
    ...{ plan, type, geometry: used[0].frame.geometry, planes, bias, dark, method, clip, drop, mask: config.mask },
    ...{ noise: noiseOf(type, used, detector), tolerance: varies, zero: zeroOf(type, used, scaled) },
    gainRatio: type === 'flat' ? gainRatioOf(used[0].frame, detector) : undefined,
    ...{ histogram: boundsOf(type, used, planes, parents.bias.median), memoryBytes: memoryBytes / workers / 2 },
  }
}

/** Flats of a spectrograph differ by this part of their light: lamps flicker and change their colour, images drift. */
const LAMPS_VARY = 0.01

/** Darks that keep their bias: what of their level is no light. Only what a pixel has above it has the noise of photons. */
function zeroOf(type: string, used: readonly Used[], scaled: boolean): number {
  return type === 'dark' && !scaled ? medianOf(used.map(({ look }) => look.statistics.level)) : 0
}

/** The gain of each amplifier over their mean: those of the header first, as when frames are reduced. */
function gainRatioOf({ facts, geometry: { amplifiers } }: Used['frame'], detector: Detector): number[] | undefined {
  const gains = amplifiers.map(({ gain }, k) => gain ?? facts.gain ?? detector.gain[k])
  if (gains.length < 2 || !gains.every((gain) => gain !== undefined)) return undefined
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
  return gains.map((gain) => gain / mean)
}

/** What one frame's pixel varies by, in ADU before scaling, for each amplifier: read noise and photons. */
function noiseOf(type: string, used: readonly Used[], { gain, readNoiseAdu }: Detector): NoiseModel[] {
  const seen = medianOf(used.map(({ look }) => look.statistics.noise))
  return readNoiseAdu.map((noise, k) => {
    const g = gain[k]
    if (type === 'bias') return { variance0: (noise || seen) ** 2, variancePerUnit: 0 }
    // Without gain or read noise the noise seen is taken: it holds the pixels' own structure too, and so rejects less.
    if (!g) return { variance0: seen ** 2, variancePerUnit: 0 }
    return { variance0: (noise || seen) ** 2, variancePerUnit: 1 / g }
  })
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

const pathsOf = (used: readonly Used[]) => used.map(({ frame }) => frame.path)

function planesOf(facts: MasterFacts, header: Header): NewHdu[] {
  const { width, height } = facts.first.geometry
  const axes = [width, height]
  const unit = createHeader([['BUNIT', facts.unit, 'unit of the pixels']])
  const bits = createHeader([['BUNIT', '', 'bits, see the documentation']])
  return [
    { kind: 'image', bitpix: -32, axes, header },
    { kind: 'image', name: 'ERR', bitpix: -32, axes, header: unit },
    { kind: 'image', name: 'MASK', bitpix: 16, axes, header: bits },
  ]
}
