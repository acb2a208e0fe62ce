import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataError, type Job, type Plan, type Request, type Row } from '@nightpipe/command'
import { formatMjd } from '@nightpipe/sky'
import {
  chooseStandard,
  fibresOfFlags,
  MASTER_OFFSET_DAYS,
  productPathInTree,
  type StandardRow,
  standardPath,
  type Tree,
} from '@nightpipe/spectrographs'
import { TRIPLE_OFFSET_DAYS, tripOf } from './combine-arcs.js'
import { type Candidate, type Group, groupFrames } from './groups.js'
import { lampJobs } from './lamp-plan.js'
import { type MasterJob, type StackJob, tablesFor } from './plan.js'
import type { schema } from './schema.js'
import type { SpectraJob, SpectraSingle } from './spectra-job.js'
import { starFiles } from './star-files.js'
import type { StackKind, TreeCall, Window } from './tree-call.js'
import { rawFrames, singleFrames, usableSingles } from './tree-frames.js'

type Sources = Request<typeof schema>

/** What a call in the tree of a spectrograph is to make: a master of each kind and window, as far as there are frames. */
export function planTree(call: TreeCall, request: Sources): Plan<StackJob> {
  const rows: Row[] = []
  const masters: Job<MasterJob>[] = []
  const spectra: Job<SpectraJob>[] = []
  const idle: string[] = []
  for (const window of call.windows) {
    for (const kind of call.kinds) {
      const images = kind === 'BIAS' || kind === 'DARK' ? imageJobs(kind, call, window, masters, request, rows) : []
      const others = kind === 'BIAS' || kind === 'DARK' ? [] : spectraJobs(kind, call, window, request, rows)
      if (kind === 'FLAT' && others.length === 0) {
        const lamps = lampJobs(call.tree, window, request, rows)
        images.push(...lamps.images)
        others.push(...lamps.flats)
      }
      masters.push(...images)
      spectra.push(...others)
      if (images.length + others.length === 0)
        idle.push(`no ${kind} between ${shown(window)}${hint(kind, call, window, request)}`)
    }
  }
  for (const text of idle) request.log.info(text)
  const jobs: Job<StackJob>[] = distinct([...masters, ...spectra])
  if (jobs.length === 0 && rows.length === 0) {
    throw new DataError(
      idle.length === 1 ? idle[0]! : `nothing to stack: ${idle[0]}, and so on`,
      'look at csv/standards.csv',
    )
  }
  return { jobs, rows: onlyOnce(rows, jobs) }
}

/** Of what has to be extracted first: whether raw frames wait for that. */
function hint(kind: StackKind, call: TreeCall, window: Window, request: Sources): string {
  const type = { FLAT: 'flat', DOUBLE: 'arc', ZERO: 'object', BIAS: undefined, DARK: undefined }[kind]
  const raw = type ? rawFrames({ tree: call.tree, type, window }, request, []).length : 0
  if (raw === 0) return ''
  const first = kind === 'FLAT' ? 'they need traces: run trace0' : 'run reduction and extract on them in the tree first'
  return ` (${raw} raw frames are there: ${first})`
}

/** A master of each camera: of flats, of arcs, or of the exposures of a star in each of its fibres. */
function spectraJobs(
  kind: 'FLAT' | 'DOUBLE' | 'ZERO',
  { tree, target }: TreeCall,
  window: Window,
  request: Sources,
  rows: Row[],
): Job<SpectraJob>[] {
  const set = (path: string, reason: string) => rows.push({ input: path, status: 'rejected', reason })
  const singles =
    kind === 'ZERO'
      ? starFiles({ tree, window, target }, request, rows)
      : kind === 'FLAT' && request.inputs.length > 0
        ? []
        : usableSingles({ tree, type: kind, window }, set).map((row) => singleOf(row, tree))
  const groups = new Map<string, SpectraSingle[]>()
  for (const single of [...singles].sort((a, b) => a.mjd - b.mjd)) {
    const key = kind === 'ZERO' ? `${single.camera} ${single.fibres}` : single.camera
    groups.set(key, [...(groups.get(key) ?? []), single])
  }
  return [...groups.values()].map((own) => {
    const inputs = own.map(({ path }) => path)
    const offset = MASTER_OFFSET_DAYS + (kind === 'DOUBLE' ? TRIPLE_OFFSET_DAYS : 0)
    const name = productPathInTree(kind === 'DOUBLE' ? 'TRIP' : kind, tree.site, own[0]!.mjd + offset)
    const wavelengths = kind === 'DOUBLE' ? own.map(({ mjd }) => tripOf(tree, mjd)).filter(existsSync) : []
    const role = { FLAT: 'flat', DOUBLE: 'arc', ZERO: 'exposure' }[kind]
    const parents = [
      ...inputs.map((path) => ({ path, role })),
      ...wavelengths.map((path) => ({ path, role: 'wavelengths' })),
    ]
    const params: SpectraJob = { kind, tree, singles: own, target }
    return { name, inputs, products: [join(tree.folder, name)], parents, params }
  })
}

function singleOf(row: StandardRow, tree: Tree): SpectraSingle {
  const fibres = fibresOfFlags(row.Flags)
  const mjd = row.JDdata! - JD_OF_MJD
  return { path: standardPath(tree, row), mjd, camera: row.Camera!.trim(), ...(fibres && { fibres }) }
}

const JD_OF_MJD = 2400000.5

const shown = ({ start, end }: Window) => `${formatMjd(start, 0)} and ${formatMjd(end, 0)}`

/** Masters of biases or darks: of the singles in the table, else of raw frames. */
function imageJobs(
  kind: 'BIAS' | 'DARK',
  { tree }: TreeCall,
  window: Window,
  before: readonly Job<MasterJob>[],
  request: Sources,
  rows: Row[],
): Job<MasterJob>[] {
  const set = (path: string, reason: string) => rows.push({ input: path, status: 'rejected', reason })
  const table = request.inputs.length > 0 ? [] : usableSingles({ tree, type: kind, window }, set)
  const singles = table.length > 0
  const type = kind.toLowerCase()
  const frames = singles ? singleFrames(table, tree, request, set) : rawFrames({ tree, type, window }, request, rows)
  // singles are per second: those of all exposure times belong together
  const { groups, odd } = groupFrames(frames)
  for (const { frame, reason } of odd) set(frame.path, reason)
  return groups.map((group) => jobOf(kind, group, tree, singles, before, request))
}

function jobOf(
  kind: 'BIAS' | 'DARK',
  group: Group,
  tree: Tree,
  singles: boolean,
  before: readonly Job<MasterJob>[],
  request: Sources,
): Job<MasterJob> {
  const last = group.frames.at(-1)!
  // named after its last frame, and a little later, so that it does not take the place of that one
  const name = productPathInTree(kind, tree.site, (last.facts.mjd ?? 0) + MASTER_OFFSET_DAYS)
  const params: MasterJob = { group: { ...group, name }, output: request.output, kind, tree, singles }
  const parents = group.frames.map(({ path }) => ({ path, role: group.type }))
  if (kind === 'DARK' && !singles) params.bias = biasFor(last, tree, before)
  if (params.bias) parents.push({ path: params.bias, role: 'bias' })
  parents.push(...tablesFor(group, request))
  return { name, inputs: group.frames.map(({ path }) => path), products: [join(tree.folder, name)], parents, params }
}

/** The bias of raw darks: made in this call, else of the table. */
function biasFor({ facts }: Candidate, tree: Tree, before: readonly Job<MasterJob>[]): string | undefined {
  const made = before.filter(({ params }) => params.kind === 'BIAS' && cameraOf(params.group) === facts.camera)
  const near = ({ params }: Job<MasterJob>) => Math.abs((params.group.frames.at(-1)!.facts.mjd ?? 0) - (facts.mjd ?? 0))
  const [nearest] = [...made].sort((a, b) => near(a) - near(b))
  if (nearest) return nearest.products[0]
  const wanted = { type: 'BIAS', mjd: facts.mjd!, site: tree.site, camera: facts.camera! } as const
  return chooseStandard(tree, wanted).chosen?.path
}

const cameraOf = ({ frames }: Group) => frames[0]!.facts.camera

/** The same master from two windows that overlap is made once. */
function distinct(jobs: Job<StackJob>[]): Job<StackJob>[] {
  const seen = new Set<string>()
  return jobs.filter(({ products: [path] }) => !seen.has(path!) && seen.add(path!))
}

/** A frame that is in a master, or was named before, needs no further row. */
function onlyOnce(rows: Row[], jobs: readonly Job<StackJob>[]): Row[] {
  const seen = new Set(jobs.flatMap(({ inputs }) => inputs))
  return rows.filter(({ input }) => !seen.has(input) && seen.add(input))
}
