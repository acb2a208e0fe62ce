import { join } from 'node:path'
import type { Job, Request, Row } from '@nightpipe/command'
import { numberOf, withFits } from '@nightpipe/fits'
import {
  chooseStandard,
  inTree,
  lightOf,
  litFibres,
  MASTER_OFFSET_DAYS,
  productPathInTree,
  type Tree,
} from '@nightpipe/spectrographs'
import { type Candidate, type Group, groupFrames } from './groups.js'
import { type MasterJob, tablesFor } from './plan.js'
import type { schema } from './schema.js'
import type { SpectraJob, SpectraSingle } from './spectra-job.js'
import type { Window } from './tree-call.js'
import { rawFrames } from './tree-frames.js'

type Sources = Request<typeof schema>

/** What raw flats become: an image of each pair of fibres, and of these the master flat of each camera. */
export interface LampJobs {
  images: Job<MasterJob>[]
  flats: Job<SpectraJob>[]
}

/** Jobs for the raw flats of a window; none where there are no frames, or no traces to extract them by. */
export function lampJobs(tree: Tree, window: Window, request: Sources, rows: Row[]): LampJobs {
  const { fibres } = request.profile.values.spectrograph
  const frames = rawFrames({ tree, type: 'flat', window }, request, rows).map((frame) => withWords(frame, fibres))
  const jobs: LampJobs = { images: [], flats: [] }
  const set = (path: string, reason: string) => rows.push({ input: path, status: 'rejected', reason })
  for (const [camera, own] of groupedBy(frames, ({ facts }) => facts.camera ?? '')) {
    const mjd = Math.min(...own.map(({ facts }) => facts.mjd!))
    const traces = chooseStandard(tree, { type: 'TRACE', mjd, site: tree.site, camera }).chosen?.path
    if (!traces) continue
    const possible = own.filter((frame) => {
      const trouble = fibreTrouble(frame)
      if (trouble) set(frame.path, trouble)
      return trouble === undefined
    })
    const images = [...groupedBy(possible, litOf)].flatMap(([lit, pair]) => imageJobs(pair, lit, tree, request, set))
    if (images.length === 0) continue
    jobs.images.push(...images)
    jobs.flats.push(flatJob(images, traces, tree, camera, mjd))
  }
  return jobs
}

function groupedBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one])
  return groups
}

/** Where there is one light path, headers say nothing of fibres: a flat lights it. */
function withWords(frame: Candidate, fibres: number): Candidate {
  if (frame.facts.fibres || fibres > 1) return frame
  return { ...frame, facts: { ...frame.facts, fibres: ['flat'] } }
}

/** Why the words of a header about its fibres cannot be those of a flat. */
function fibreTrouble({ facts: { fibres = [] } }: Candidate): string | undefined {
  const lit = fibres.filter((word) => lightOf(word) !== 'none')
  if (lit.length === 0) return 'its header does not say which fibres have light (as tung&tung&none)'
  const different = new Set(lit).size > 1 || lit.some((word) => lightOf(word) === 'arc')
  return different
    ? `fibres ${fibres.join('&')}: impossible (a flat of different lamps, or of one of lines)`
    : undefined
}

const litOf = ({ facts }: Candidate) => litFibres(facts.fibres ?? []).join('')

/** The image of a pair of fibres; frames of another layout than the most are set aside. */
function imageJobs(
  frames: readonly Candidate[],
  lit: string,
  tree: Tree,
  request: Sources,
  set: (path: string, reason: string) => void,
): Job<MasterJob>[] {
  const { groups, odd } = groupFrames(frames)
  for (const { frame, reason } of odd) set(frame.path, reason)
  return groups.map((group): Job<MasterJob> => {
    const { facts } = group.frames[0]!
    const output = inTree(tree, 'temp', 'stack')
    const name = `${productPathInTree('FLAT', tree.site, facts.mjd!).replace(/^.*\/|\.fits$/g, '')}-${lit}.fits`
    const bias = patternOf(group, tree)
    const inputs = group.frames.map(({ path }) => path)
    const parents = inputs.map((path) => ({ path, role: 'flat' }))
    if (bias) parents.push({ path: bias, role: 'bias' })
    parents.push(...tablesFor(group, request))
    const params: MasterJob = { group: { ...group, type: 'lamp', name }, output, tree, ...(bias && { bias }) }
    return { name, inputs, products: [join(output, name)], parents, params }
  })
}

/**
 * The master bias, where it has a pattern that is more than its own noise: the overscan holds the level, and the noise of a
 * few biases would be in all flats alike.
 */
function patternOf({ frames: [first] }: Group, tree: Tree): string | undefined {
  const { mjd, camera } = first!.facts
  const bias = chooseStandard(tree, { type: 'BIAS', mjd: mjd!, site: tree.site, camera: camera! }).chosen?.path
  if (!bias) return undefined
  const [rms, read, frames] = withFits(bias, ({ hdus }) =>
    ['RMS', 'RDNADU', 'NFRAMES'].map((keyword) => numberOf(hdus[0]!.header, keyword)),
  )
  const overscan = first!.geometry.amplifiers.every((one) => one.overscan !== undefined)
  if (!overscan || rms === undefined || read === undefined || frames === undefined) return bias
  return rms ** 2 > (2 * read ** 2) / frames ? bias : undefined
}

function flatJob(
  images: readonly Job<MasterJob>[],
  traces: string,
  tree: Tree,
  camera: string,
  mjd: number,
): Job<SpectraJob> {
  const inputs = images.map(({ products }) => products[0]!)
  const name = productPathInTree('FLAT', tree.site, mjd + MASTER_OFFSET_DAYS)
  const singles = images.map(({ products: [path], params: { group } }): SpectraSingle => {
    const { facts } = group.frames[0]!
    return { path: path!, mjd: facts.mjd!, camera, fibres: litFibres(facts.fibres!), image: true }
  })
  singles.sort((a, b) => a.mjd - b.mjd)
  const parents = [...inputs.map((path) => ({ path, role: 'flat' })), { path: traces, role: 'traces' }]
  const params: SpectraJob = { kind: 'FLAT', tree, singles, target: '', traces }
  // a pair of fibres without a usable flat leaves the others theirs
  return { name, inputs, products: [join(tree.folder, name)], parents, params, anyParent: true }
}
