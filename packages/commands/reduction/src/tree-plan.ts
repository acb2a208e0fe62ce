import { existsSync } from 'node:fs'
import { sep } from 'node:path'
import { DataError, type Request } from '@nightpipe/command'
import {
  ccdOf,
  ccdsTable,
  chooseFrom,
  inTree,
  isPlaceholder,
  litFibres,
  openTree,
  parseProductName,
  productPathInTree,
  readStandards,
  type StandardRow,
  type StandardType,
  standardPath,
  type Tree,
} from '@nightpipe/spectrographs'
import { readTable } from '@nightpipe/table'
import { buildFirstOfTree } from './build-masters.js'
import type { MasterReader } from './choose.js'
import type { RawFrame, Sorted } from './frames.js'
import { type MasterRole, misfit } from './master.js'
import type { ReductionJob } from './plan.js'
import type { ReductionSchema } from './schema.js'

/** The tree of a spectrograph as reducing needs it. */
export interface TreeState {
  tree: Tree
  standards: StandardRow[]
  /** in csv/ccds.csv, lower case; none where nobody filled it in */
  cameras: string[]
}

export function treeState({ flags }: Pick<Request<ReductionSchema>, 'flags'>): TreeState | undefined {
  const tree = openTree(flags)
  return tree && { tree, standards: readStandards(tree), cameras: camerasOf(tree) }
}

function camerasOf(tree: Tree): string[] {
  const rows = readTable(inTree(tree, 'csv', ccdsTable.name), { ...ccdsTable, key: [] }, { orEmpty: true })
  return rows.flatMap(({ camera }) => (isPlaceholder(camera) ? [] : [camera.trim().toLowerCase()]))
}

/** Frames of which the first masters of a tree are made, at least. */
const FEWEST = 3

/** The state after the first masters of cameras without any were made of the frames at hand: biases first. */
export async function withFirstMasters(
  state: TreeState,
  { science }: Sorted,
  request: Request<ReductionSchema>,
): Promise<TreeState> {
  const { tree } = state
  const { build } = request.config.calibration
  for (const role of build && !request.dryRun ? (['bias', 'dark'] as const) : []) {
    const frames = science.filter(({ facts }) => facts.type === role)
    const wantsIt = ({ facts: { type } }: RawFrame) => type !== 'bias' && type !== role
    if (!science.some(wantsIt)) continue
    const cameras = new Set(frames.map(({ facts }) => facts.camera!))
    for (const camera of cameras) {
      const own = frames.filter(({ facts }) => facts.camera === camera)
      const known = readStandards(tree).some(
        (row) => row.Type === ROLES[role] && row.Camera?.trim() === camera && existsSync(standardPath(tree, row)),
      )
      if (!known && own.length >= FEWEST) await buildFirstOfTree(ROLES[role], own, tree, request)
    }
  }
  return { ...state, standards: readStandards(tree) }
}

/** Why a frame does not belong to the tree; undefined when it does. */
export function strangerInTree({ path, facts }: RawFrame, { tree, cameras }: TreeState): string | undefined {
  if (path.startsWith(tree.folder + sep)) return 'is in the tree itself: a product, not a raw frame'
  const { site, camera, instrument, mjd } = facts
  const differs = (what: string, has: string | undefined, wanted: string) => {
    if (!wanted || has?.toLowerCase() === wanted.toLowerCase()) return undefined
    return has ? `${what} is ${has}, not ${wanted}` : `its header does not say its ${what}`
  }
  if (!camera) return 'its header does not say its camera'
  if (mjd === undefined) return 'its header does not say when it was taken'
  return (
    differs('site', site, tree.site) ??
    differs('spectrograph', instrument === 'unknown' ? undefined : instrument, tree.instrument) ??
    differs('camera', camera, tree.camera) ??
    (tree.camera === '' && cameras.length > 0 && !cameras.includes(camera.toLowerCase())
      ? `camera is ${camera}, which csv/ccds.csv does not have (add its row there)`
      : undefined)
  )
}

const ROLES = { bias: 'BIAS', dark: 'DARK' } as const

/** Calibrations of a frame as the tree chooses them, and where its product goes. */
export function treeJob(raw: RawFrame, state: TreeState, request: Request<ReductionSchema>, read: MasterReader) {
  const { tree } = state
  const frame = withCamera(raw, state)
  const { type } = frame.facts
  const kind = type === 'bias' || type === 'dark' ? ROLES[type] : undefined
  const product = kind
    ? `${tree.folder}/${productPathInTree(kind, tree.site, frame.facts.mjd!)}`
    : inTree(tree, 'temp', 'red', `${frame.stem}.fits`)
  const params: ReductionJob = { frame, kind, product }
  const wanted: MasterRole[] = kind === 'BIAS' ? [] : kind === 'DARK' ? ['bias'] : ['bias', 'dark']
  for (const role of wanted) params[role] = masterOf(role as 'bias' | 'dark', frame, state, request, read)
  if (!kind) params.traces = tracesOf(frame, state, request)
  return params
}

/** Gain and read noise of csv/ccds.csv, where the header of the frame says neither. */
function withCamera(frame: RawFrame, { tree }: TreeState): RawFrame {
  const { facts } = frame
  const ccd = ccdOf(tree, facts.camera!)
  const silent = (fact: string) => facts.sources[fact] === undefined || facts.sources[fact] === 'assumed'
  const gain = silent('gain') ? (ccd?.gain ?? facts.gain) : facts.gain
  const readNoise = silent('read noise') ? (ccd?.rdnois ?? facts.readNoise) : facts.readNoise
  const amplifiers = facts.amplifiers.map((one) => ({ ...one, ...(silent('gain') ? { gain } : {}) }))
  return { ...frame, facts: { ...facts, gain, readNoise, amplifiers } }
}

/** What is nearest in the table, masters first; [calibration] bias = none does without. */
function masterOf(
  role: 'bias' | 'dark',
  frame: RawFrame,
  state: TreeState,
  { config: { calibration } }: Request<ReductionSchema>,
  read: MasterReader,
) {
  if (calibration[role].toLowerCase() === 'none') return undefined
  const { chosen, why } = nearest(ROLES[role], frame, state, calibration.age)
  if (!chosen) {
    const type = ROLES[role]
    throw new DataError(
      `needs a ${type} of ${frame.facts.camera} at ${state.tree.site}, and csv/standards.csv offers none${why}`,
      `reduce ${role} frames into the tree and run stack-calibrations --calibration-type ${type}, or set ` +
        `[calibration] ${role} = none`,
    )
  }
  const master = read(chosen.path, role)
  const odd = misfit({ ...master, type: undefined }, frame)
  if (odd) throw new DataError(odd, `mark it unusable in csv/standards.csv (flags 1000), or remove its row`)
  return { ...master, ageDays: chosen.ageDays }
}

function nearest(type: StandardType, frame: RawFrame, { tree, standards }: TreeState, age: number, fibres?: number[]) {
  const wanted = {
    ...{ type, mjd: frame.facts.mjd!, site: tree.site, camera: frame.facts.camera! },
    ...(age > 0 ? { maximumAgeDays: age } : {}),
    ...(fibres ? { fibres } : {}),
  }
  const { chosen, candidates } = chooseFrom(standards, wanted, (row) => standardPath(tree, row), existsSync)
  const [first] = candidates
  return { chosen, why: !chosen && first ? ` (${first.row.Filename}: ${first.why})` : '' }
}

/**
 * The traces nearest in time, those that hold all lit fibres first; undefined before the first were made. Flats are what the
 * traces of their night are refined on: those do not count, or each refinement would make the flats that it used out of date.
 */
function tracesOf(frame: RawFrame, state: TreeState, { config }: Request<ReductionSchema>): string | undefined {
  const { method, traces } = config['scattered light']
  if (method === 'none' || traces) return traces || undefined
  const lit = litFibres(frame.facts.fibres ?? [])
  const others = { ...state, standards: state.standards.filter((row) => !isMadeOf(frame, row)) }
  const from = (those: TreeState) =>
    (nearest('TRACE', frame, those, 0, lit).chosen ?? nearest('TRACE', frame, those, 0).chosen)?.path
  return (frame.facts.type === 'flat' ? from(others) : undefined) ?? from(state)
}

/** Whether refined traces are of the night of a frame. */
function isMadeOf({ facts }: RawFrame, { Type, Filename }: StandardRow): boolean {
  const name = parseProductName(Filename)
  return Type === 'TRACE' && name !== undefined && !name.first && Math.abs(name.mjd - facts.mjd!) < HALF_A_DAY
}

const HALF_A_DAY = 0.5
