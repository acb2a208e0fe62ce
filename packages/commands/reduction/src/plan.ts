import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ConfigError, DataError, type Job, type Parent, type Plan, type Request, type Row } from '@nightpipe/command'
import { checkLinearity, linearityTables } from '@nightpipe/config'
import { imageHdu, openFits } from '@nightpipe/fits'
import { tellAssumptions, tellProfiles } from './assumptions.js'
import { buildMasters, builtFolder, hasTable } from './build-masters.js'
import { bankOf, type Chosen, chooseFor, type MasterReader, masterReader, type Source, sourceOf } from './choose.js'
import { type RawFrame, type Sorted, sortFrames } from './frames.js'
import { addPatterns } from './make-pattern.js'
import { type MasterRole, missing, placeOf } from './master.js'
import { othersOf } from './others.js'
import type { ReductionSchema } from './schema.js'
import { isSpectrograph, settle } from './settle.js'
import { strangerInTree, treeJob, treeState, withFirstMasters } from './tree-plan.js'

type Sources = Request<ReductionSchema>

/** All that reducing one frame needs to know, plain data. */
export interface ReductionJob {
  frame: RawFrame
  /** A single calibration that a tree keeps; undefined for all others. */
  kind?: 'BIAS' | 'DARK'
  /** Where it goes. */
  product: string
  bias?: Chosen
  dark?: Chosen
  flat?: Chosen
  /** Image of bad pixels. */
  mask?: string
  /** Image of a pattern of the sky. */
  pattern?: string
  /** Where the orders of a spectrograph lie: scattered light is taken off then. */
  traces?: string
  /** Other frames of the field, to compare with. */
  others?: ReductionJob[]
}

const ROLES: readonly MasterRole[] = ['bias', 'dark', 'flat']

/** Planes of a frame, and rows of masters, that are in memory at once, as bytes for each pixel of the frame. */
const BYTES_PER_PIXEL = 24
const BYTES_PER_PIXEL_COMPARED = 36

/** Sorts the inputs, finds the masters of each science frame, and makes those that are missing. Headers only. */
export async function planReduction(given: Sources): Promise<Plan<ReductionJob>> {
  const found = treeState(given)
  const request = { ...given, config: settle(given.config, given.profile, found !== undefined) }
  checkConfig(request)
  const sorted = sortFrames(request, found && ((frame) => strangerInTree(frame, found)))
  tellProfiles(sorted, request)
  const state = found && (await withFirstMasters(found, sorted, request))
  const sources = state ? {} : await findSources(sorted, request)
  const read = masterReader(request)
  const ready: ReductionJob[] = []
  const rows: Row[] = [...sorted.rows]
  const fail = (frame: RawFrame, error: DataError) =>
    rows.push({ input: frame.path, status: 'failed', reason: withAdvice(error) })
  for (const frame of sorted.science) {
    try {
      const params = state ? treeJob(frame, state, request, read) : plainJob(frame, sources, request, read)
      params.mask = imageFor(frame, request.config.calibration.mask, '[calibration] mask')
      params.pattern = imageFor(frame, request.config.pattern.file, '[pattern] file')
      checkFacts(params, request)
      ready.push(params)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      fail(frame, error)
    }
  }
  refuseTwins(ready, fail)
  tellAssumptions(ready, request)
  await addPatterns(ready, request)
  const { compare, method } = request.config['cosmic rays']
  const others = othersOf(ready, method === 'none' ? 0 : compare)
  const tables = linearityTables(request.config.linearity)
  const jobs = ready.map((params, k) => jobFor({ ...params, others: others[k] }, tables))
  const largest = ready.reduce((most, { frame }) => Math.max(most, frame.width * frame.height), 0)
  const each = others.some((list) => list.length > 0) ? BYTES_PER_PIXEL_COMPARED : BYTES_PER_PIXEL
  return { jobs, rows, memoryPerJob: each * largest }
}

/** Singles of a tree are named by their date: two of the same moment cannot both be kept. */
function refuseTwins(ready: ReductionJob[], fail: (frame: RawFrame, error: DataError) => void): void {
  const first = new Map<string, RawFrame>()
  for (const params of ready.splice(0)) {
    const twin = first.get(params.product)
    first.set(params.product, twin ?? params.frame)
    if (twin) fail(params.frame, new DataError(`was taken at the moment of ${twin.path}`, 'leave out one of them'))
    else ready.push(params)
  }
}

/** Masters as the configuration names them or a folder of masters offers them. */
function plainJob(
  frame: RawFrame,
  sources: Partial<Record<MasterRole, Source>>,
  request: Sources,
  read: MasterReader,
): ReductionJob {
  const params: ReductionJob = { frame, product: join(request.output, `${frame.stem}.fits`) }
  for (const role of ROLES) {
    const source = sources[role]
    if (!source) throw missing(role, frame, '')
    params[role] = chooseFor(role, frame, source, request.config.calibration, read)
  }
  const { method, traces } = request.config['scattered light']
  if (isSpectrograph(request.profile) && method !== 'none' && traces) params.traces = traces
  return params
}

const withAdvice = ({ message, advice }: DataError) => (advice ? `${message} (${advice})` : message)

function checkConfig({ config }: Sources): void {
  const known = Object.keys(INTERPOLATED)
  const odd = config.interpolate.bits.find((word) => !known.includes(word.toLowerCase()))
  if (odd) throw new ConfigError(`[interpolate] bits: '${odd}' is none of ${known.join(', ')}`)
  const { traces } = config['scattered light']
  if (traces && !existsSync(traces)) throw new ConfigError(`[scattered light] traces: ${traces} does not exist`)
  if (config.pattern.smooth % 2 === 0) {
    throw new ConfigError(`[pattern] smooth = ${config.pattern.smooth}: a box needs a middle`, 'give an odd number')
  }
  checkLinearity(config.linearity)
}

/** The words of [interpolate] bits, and the bits of the mask. */
export const INTERPOLATED: Readonly<Record<string, number>> = { bad: 1, saturated: 2, cosmic: 4, nodata: 8, low: 32 }

/**
 * Where the masters of each role are: where the configuration says, else in the folder of masters beside the products,
 * else made of the calibration frames among the inputs; undefined where there are none.
 */
async function findSources(sorted: Sorted, request: Sources): Promise<Partial<Record<MasterRole, Source>>> {
  const { config, output } = request
  const sources: Partial<Record<MasterRole, Source>> = {}
  for (const role of ROLES) sources[role] = sourceOf(role, config.calibration)
  const open = ROLES.filter((role) => sources[role] === undefined)
  if (open.length === 0 || sorted.science.length === 0) return sources
  const stacked = isSpectrograph(request.profile) ? ['bias', 'dark'] : ROLES
  const frames = sorted.calibrations.filter(({ facts }) => stacked.some((role) => role === facts.type))
  const useful = frames.some(({ facts }) => open.includes(facts.type as MasterRole))
  if (useful && config.calibration.build) {
    if (request.dryRun) return { ...madeLater(open, frames), ...sources }
    await buildMasters(frames, request)
  }
  if (!hasTable(builtFolder(output))) return sources
  const built = bankOf(builtFolder(output))
  for (const role of open) {
    if (built.kind === 'bank' && built.rows.some((row) => row.type === role)) sources[role] = built
  }
  return sources
}

/** In a dry run, masters that would be made are not looked for. */
function madeLater(open: readonly MasterRole[], frames: readonly RawFrame[]): Partial<Record<MasterRole, Source>> {
  const made = open.filter((role) => frames.some(({ facts }) => facts.type === role))
  return Object.fromEntries(made.map((role) => [role, { kind: 'none' }]))
}

/** An image named by the configuration, when it is of a size that belongs to the frame. */
export function imageFor(frame: RawFrame, path: string, key: string): string | undefined {
  if (!path || path.toLowerCase() === 'none') return undefined
  if (!existsSync(path)) throw new ConfigError(`${key}: ${path} does not exist`)
  const file = openFits(path)
  try {
    const [width, height] = imageHdu(file).axes as [number, number]
    if (placeOf({ width, height }, frame)) return path
    const size = `${frame.width}x${frame.height}`
    throw new DataError(`${basename(path)} is ${width}x${height}, but the frame is ${size}`, `choose another ${key}`)
  } finally {
    file.close()
  }
}

/** What the masters and the configuration ask of the frame itself. */
function checkFacts({ frame, kind, dark, bias }: ReductionJob, { config }: Sources): void {
  const { exposureSeconds } = frame.facts
  const advice = 'give it in the instrument profile: [assume] exposure'
  if (dark && exposureSeconds === undefined) {
    throw new DataError(`tells no exposure time, and its dark must be scaled by it`, advice)
  }
  if ((config.frame['per second'] || kind === 'DARK') && !(exposureSeconds !== undefined && exposureSeconds > 0)) {
    throw new DataError(
      `has an exposure time of ${exposureSeconds ?? 'nothing'}: it cannot be divided by it`,
      'set [frame] per second = no',
    )
  }
  // One level or one for each row: both leave the bias near 0. Off or not is what must agree.
  const treated = bias?.overscan
  const { method } = config.overscan
  if (treated === undefined || frame.facts.overscan.length === 0) return
  if ((treated === 'none') === (method === 'none')) return
  throw new DataError(
    `${bias!.name} was made with overscan ${treated}, the frames are reduced with ${method}`,
    `set [overscan] method = ${treated}`,
  )
}

function jobFor(params: ReductionJob, tables: readonly Parent[]): Job<ReductionJob> {
  const { frame, product } = params
  const parents = [{ path: frame.path, role: 'frame' }, ...mastersOf(params), ...tables]
  for (const other of params.others ?? []) {
    parents.push({ path: other.frame.path, role: 'compared' })
    for (const master of mastersOf(other)) {
      if (!parents.some(({ path }) => path === master.path)) parents.push(master)
    }
  }
  return { name: frame.name, inputs: [frame.path], products: [product], parents, params }
}

export function mastersOf(params: ReductionJob): Parent[] {
  const masters: Parent[] = ROLES.flatMap((role) => (params[role] ? [{ path: params[role].path, role }] : []))
  if (params.mask) masters.push({ path: params.mask, role: 'mask' })
  if (params.pattern) masters.push({ path: params.pattern, role: 'pattern' })
  if (params.traces) masters.push({ path: params.traces, role: 'traces' })
  return masters
}
