import { join } from 'node:path'
import type { Job, Plan, Request, Row } from '@nightpipe/command'
import { formatMjd } from '@nightpipe/sky'
import { chooseStandard, MASTER_OFFSET_DAYS, productPathInTree, type Tree } from '@nightpipe/spectrographs'
import { type Candidate, type Group, groupFrames } from './groups.js'
import type { StackJob } from './plan.js'
import type { schema } from './schema.js'
import type { TreeCall, Window } from './tree-call.js'
import { rawFrames, singleFrames, usableSingles } from './tree-frames.js'

type Sources = Request<typeof schema>

/** What a call in the tree of a spectrograph is to make: a master of each kind and window, as far as there are frames. */
export function planTree(call: TreeCall, request: Sources): Plan<StackJob> {
  const rows: Row[] = []
  const jobs: Job<StackJob>[] = []
  for (const window of call.windows) {
    for (const kind of call.kinds) {
      const found = kind === 'BIAS' || kind === 'DARK' ? imageJobs(kind, call, window, jobs, request, rows) : []
      jobs.push(...found)
      if (found.length === 0) request.log.info(`no ${kind} between ${shown(window)}: nothing to stack`)
    }
  }
  return { jobs: distinct(jobs), rows: onlyOnce(rows, jobs) }
}

const shown = ({ start, end }: Window) => `${formatMjd(start, 0)} and ${formatMjd(end, 0)}`

/** Masters of biases or darks: of the singles in the table, else of raw frames. */
function imageJobs(
  kind: 'BIAS' | 'DARK',
  { tree }: TreeCall,
  window: Window,
  before: readonly Job<StackJob>[],
  request: Sources,
  rows: Row[],
): Job<StackJob>[] {
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
  before: readonly Job<StackJob>[],
  request: Sources,
): Job<StackJob> {
  const last = group.frames.at(-1)!
  // named after its last frame, and a little later, so that it does not take the place of that one
  const name = productPathInTree(kind, tree.site, (last.facts.mjd ?? 0) + MASTER_OFFSET_DAYS)
  const params: StackJob = { group: { ...group, name }, output: request.output, kind, tree, singles }
  const parents = group.frames.map(({ path }) => ({ path, role: group.type }))
  if (kind === 'DARK' && !singles) params.bias = biasFor(last, tree, before)
  if (params.bias) parents.push({ path: params.bias, role: 'bias' })
  return { name, inputs: group.frames.map(({ path }) => path), products: [join(tree.folder, name)], parents, params }
}

/** The bias of raw darks: made in this call, else of the table. */
function biasFor({ facts }: Candidate, tree: Tree, before: readonly Job<StackJob>[]): string | undefined {
  const made = before.filter(({ params }) => params.kind === 'BIAS' && cameraOf(params.group) === facts.camera)
  const near = ({ params }: Job<StackJob>) => Math.abs((params.group.frames.at(-1)!.facts.mjd ?? 0) - (facts.mjd ?? 0))
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
