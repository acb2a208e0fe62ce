import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CALIBRATIONS_FILE, type CalibrationRow, calibrationsTable, chooseMaster } from '@nightpipe/calibrations'
import {
  ConfigError,
  DataError,
  type Job,
  type Parent,
  type Plan,
  productPath,
  type Request,
  type Row,
} from '@nightpipe/command'
import { checkLinearity, describeFrame, linearityTables } from '@nightpipe/config'
import type { InputFile } from '@nightpipe/files'
import { cardLookup, type Hdu, imageHdu, openFits, textOf } from '@nightpipe/fits'
import { mjdToJd, parseDate } from '@nightpipe/sky'
import type { Tree } from '@nightpipe/spectrographs'
import { readTable } from '@nightpipe/table'
import { geometryOf, isBent, layoutOf } from './geometry.js'
import { type Candidate, type Group, groupFrames } from './groups.js'
import type { schema } from './schema.js'
import type { SpectraJob } from './spectra-job.js'
import { treeCall } from './tree-call.js'
import { planTree } from './tree-plan.js'

/** All that a job needs to know, plain data. */
export interface MasterJob {
  group: Group
  output: string
  bias?: string
  dark?: string
  /** Of the tree of a spectrograph: what its table calls the master. */
  kind?: 'BIAS' | 'DARK'
  tree?: Tree
  /** The frames are singles of the tree: overscan, bias and exposure time are off already. */
  singles?: boolean
}

export type StackJob = MasterJob | SpectraJob

type Sources = Request<typeof schema>

/** Reads every header, sets aside what is not asked for, and orders the masters so that each finds those it needs. */
export function planMasters(request: Sources): Plan<StackJob> {
  checkConfig(request)
  const call = treeCall(request)
  if (call) return planTree(call, request)
  if (request.inputs.length === 0) {
    const { given = [] } = request
    throw new DataError(
      `no frames to stack${given.length > 0 ? ` in ${given.join(', ')}` : ''}`,
      'give --input with FITS frames, or name a tree by --root, --site, --nres-instrument',
    )
  }
  return planFolder(request)
}

function checkConfig({ config: { linearity, dark } }: Sources): void {
  checkLinearity(linearity)
  if (!linearity || dark.scale) return
  throw new ConfigError(
    '[linearity] and [dark] scale = no: darks that keep their bias have no net counts to be made linear',
    'set [dark] scale = yes, or stack those darks without [linearity]',
  )
}

function planFolder(request: Sources): Plan<StackJob> {
  const rows: Row[] = []
  const candidates: Candidate[] = []
  const wanted = selection(request)
  for (const input of request.inputs) {
    try {
      const candidate = describe(input, request)
      const why = wanted(candidate)
      if (why) rows.push({ input: input.path, status: 'rejected', reason: why })
      else candidates.push(candidate)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      const reason = error.advice ? `${error.message} (${error.advice})` : error.message
      rows.push({ input: input.path, status: error instanceof NotRaw ? 'rejected' : 'failed', reason })
    }
  }
  const { groups, odd } = groupFrames(candidates)
  for (const { frame, reason } of odd) rows.push({ input: frame.path, status: 'rejected', reason })
  const jobs: Job<StackJob>[] = []
  const bank = readBank(request.config.calibration.folder)
  for (const group of groups) jobs.push(jobFor(group, groups, bank, request))
  return { jobs, rows }
}

export function describe(
  { path, shown }: Pick<InputFile, 'path' | 'shown'>,
  request: Sources,
  isProduct = false,
): Candidate {
  const file = openFits(path)
  try {
    const hdu = imageHdu(file)
    if (!isProduct) refuseProduct(hdu)
    const [width, height] = hdu.axes
    // The path, not only the name: a camera may file its darks in a folder of that name.
    const facts = describeFrame(cardLookup(hdu), request.profile, { width, height, name: path })
    // biases have no light, products of reduction are linear already
    const linearity = isProduct || facts.type === 'bias' ? undefined : request.config.linearity
    return { path, shown, hdu: hdu.index, geometry: geometryOf(facts, width, height, linearity), facts }
  } finally {
    file.close()
  }
}

/** Masters and other products must not enter masters again. */
class NotRaw extends DataError {}

function refuseProduct({ header }: Hdu): void {
  const maker = textOf(header, 'NP_CMD')
  if (maker) throw new NotRaw(`is a product of ${maker}, not a raw frame`)
}

/** The rule of [select]: why a frame is not wanted, or undefined. */
function selection({ config: { select } }: Sources): (candidate: Candidate) => string | undefined {
  const types = (select.types.length > 0 ? select.types : STACKED).map((type) => type.toLowerCase())
  const unknown = types.find((type) => !STACKED.includes(type))
  if (unknown) throw new ConfigError(`[select] types: '${unknown}' is not one of ${STACKED.join(', ')}`)
  const start = limit(select.start, 'start')
  const end = limit(select.end, 'end')
  return ({ facts }) => {
    if (facts.unfit) return facts.unfit
    if (!types.includes(facts.type)) return `is of type ${facts.type} (stacked: ${types.join(', ')})`
    if (start !== undefined && !((facts.mjd ?? Number.NaN) >= start)) return `taken before ${select.start}, or undated`
    if (end !== undefined && !((facts.mjd ?? Number.NaN) <= end)) return `taken after ${select.end}, or undated`
    const values = {
      site: facts.site,
      camera: facts.camera ?? facts.instrument,
      instrument: facts.instrument,
      target: facts.object,
    }
    for (const key of ['site', 'camera', 'instrument', 'target'] as const) {
      const asked = select[key]
      if (asked && asked.toLowerCase() !== (values[key] ?? '').toLowerCase()) {
        return `${key} is ${values[key] ?? 'unknown'}, not ${asked}`
      }
    }
    return undefined
  }
}

const STACKED = ['bias', 'dark', 'flat', 'arc']

function limit(value: string, key: string): number | undefined {
  if (!value) return undefined
  const date = parseDate(value)
  if (!date) throw new ConfigError(`[select] ${key}: '${value}' is not a date (write it as 2026-11-21T08:00:00)`)
  return date.mjd
}

function readBank(folder: string): Bank {
  if (!folder) return { folder, rows: [] }
  const path = join(folder, CALIBRATIONS_FILE)
  if (!existsSync(path)) {
    throw new DataError(`${path} does not exist`, 'point [calibration] folder at a folder made by stack-calibrations')
  }
  return { folder, rows: readTable(path, calibrationsTable) }
}

/** The masters that a group needs: made in this run, or of the bank. */
function jobFor(group: Group, groups: Group[], bank: Bank, request: Sources): Job<MasterJob> {
  const { output, config } = request
  const inputs = group.frames.map((f) => f.path)
  const params: MasterJob = { group, output }
  const needsBias = group.type === 'flat' || group.type === 'arc' || (group.type === 'dark' && config.dark.scale)
  const wantsDark = (group.type === 'flat' || group.type === 'arc') && config.flat.dark !== 'none' && config.dark.scale
  if (needsBias) params.bias = masterFor('bias', group, groups, bank, request)
  if (wantsDark) params.dark = masterFor('dark', group, groups, bank, request)
  const parents = inputs.map((path) => ({ path, role: group.type }))
  if (params.bias) parents.push({ path: params.bias, role: 'bias' })
  if (params.dark) parents.push({ path: params.dark, role: 'dark' })
  parents.push(...tablesFor(group, request))
  return { name: group.name, inputs, products: [join(output, group.name)], parents, params }
}

/** The tables that make the counts of a group linear. */
export const tablesFor = ({ frames: [first] }: Group, { config }: Sources): Parent[] =>
  first && isBent(first.geometry) ? linearityTables(config.linearity) : []

interface Bank {
  folder: string
  rows: CalibrationRow[]
}

/** Of the same detector, binning, mode and size: a master of this run (the longest dark), else one of the bank. */
function masterFor(
  type: 'bias' | 'dark',
  group: Group,
  groups: Group[],
  bank: Bank,
  request: Sources,
): string | undefined {
  const { facts, geometry } = group.frames[0]
  const made = groups
    .filter((g) => g.type === type && g.frames.length >= request.config.select.minimum)
    .filter((g) => sameDetector(g.frames[0], group.frames[0]))
    .sort((a, b) => exposure(b) - exposure(a))
  if (made.length > 0) return productPath(join(request.output, made[0].name), request.context)
  const { row } = chooseMaster(
    bank.rows,
    {
      type,
      instrument: facts.instrument,
      camera: facts.camera,
      binning: facts.binning.join('x'),
      readmode: facts.readMode,
      width_px: geometry.width,
      height_px: geometry.height,
      jd: facts.mjd === undefined ? undefined : mjdToJd(facts.mjd),
    },
    request.config.calibration.age || Infinity,
  )
  return row && join(bank.folder, row.filename)
}

const exposure = (group: Group) => group.frames[0].facts.exposureSeconds ?? 0

function sameDetector(a: Candidate, b: Candidate): boolean {
  const same = (x?: string, y?: string) => x === undefined || y === undefined || x === y
  return (
    a.facts.instrument === b.facts.instrument &&
    same(a.facts.camera, b.facts.camera) &&
    same(a.facts.readMode, b.facts.readMode) &&
    a.facts.binning.join() === b.facts.binning.join() &&
    layoutOf(a.geometry) === layoutOf(b.geometry)
  )
}
