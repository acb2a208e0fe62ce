import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError, DataError, isCurrent, type Job, type Plan, type Request, type Row } from '@nightpipe/command'
import type { LineList } from '@nightpipe/spectra'
import { inTree, openTree, productPathInTree, type Tree } from '@nightpipe/spectrographs'
import { type Arc, readSolved, solveExposure } from './arcs.js'
import { type ArcShare, servingArcs, sharesOf } from './choose-arcs.js'
import { type CommonArc, commonOf } from './common-arcs.js'
import { describeExposure, type Exposure } from './exposures.js'
import { listOf } from './line-list.js'
import type { WavelengthSchema } from './schema.js'
import { arcsOfTree } from './tree-arcs.js'
import { type UsedArc, usedArc } from './used-arc.js'

export interface WavelengthJob {
  kind: 'arc' | 'exposure'
  list: string
  /** of an arc: itself */
  arc?: Arc
  /** arcs that serve, and for each fibre the shares of those it takes */
  arcs: UsedArc[]
  shares: [number, ArcShare[]][]
  /** the same where the lamp shows the drift since each */
  averaged: [number, ArcShare[]][]
  /** fibres that see the lamp during the exposure */
  lamp: number[]
  mjd: number
  start: number
  camera?: string
  /** of the spectrograph: how many fibres, and which is the lamp's own */
  fibres: number
  reference: number
}

/** Arcs are solved here, one after the other; every exposure is then a job with the solutions that it needs. */
export function planWavelengths(request: Request<WavelengthSchema>): Plan<WavelengthJob> {
  const tree = openTree(request.flags)
  const { list, path: listPath } = listOf(request)
  const rows: Row[] = []
  const exposures: Exposure[] = []
  for (const input of request.inputs) {
    const exposure = attempt(() => describeExposure(input, request), input.path, rows)
    if (exposure) exposures.push(exposure)
  }
  const kit = { list, listPath, tree, request, common: new Map() }
  const arcJobs: Job<WavelengthJob>[] = []
  for (const exposure of exposures.filter(({ type }) => type === 'arc')) {
    const job = attempt(() => arcJob(exposure, kit), exposure.path, rows)
    if (job) arcJobs.push(job)
  }
  const arcs = [...arcJobs.map(({ params }) => params.arc!), ...givenArcs(kit)]
  for (const { path, type } of exposures.filter(({ type }) => !HAVE_WAVELENGTHS.includes(type))) {
    rows.push({ input: path, status: 'rejected', reason: `needs no wavelengths: ${type}` })
  }
  const stars = exposures.filter(({ type }) => type === 'object' || type === 'unknown')
  const known = [...arcs, ...(tree ? arcsOfTree(tree, stars, arcs, request.config.arcs) : [])]
  const jobs = stars.flatMap((exposure) => attempt(() => exposureJob(exposure, known, kit), exposure.path, rows) ?? [])
  return { jobs: [...arcJobs, ...jobs], rows, memoryPerJob: 300e6 }
}

const HAVE_WAVELENGTHS: readonly string[] = ['arc', 'object', 'unknown']

interface Kit {
  list: LineList
  listPath: string
  tree?: Tree
  request: Request<WavelengthSchema>
  /** sets of arcs that were compared, by their places in the list */
  common: Map<string, CommonArc[]>
}

/** What cannot be done is a row with its reason; the others go on. */
function attempt<T>(work: () => T, path: string, rows: Row[]): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof Rejection) rows.push({ input: path, status: 'rejected', reason: error.message })
    else if (error instanceof DataError || error instanceof RangeError) {
      const advice = error instanceof DataError && error.advice ? ` (${error.advice})` : ''
      rows.push({ input: path, status: 'failed', reason: `${error.message}${advice}` })
    } else throw error
    return undefined
  }
}

/** A frame that is set aside by its quality: lamp off, saturated, too few lines. */
class Rejection extends Error {}

function arcJob(exposure: Exposure, kit: Kit): Job<WavelengthJob> {
  const { request, tree, listPath } = kit
  const products = [productOf(exposure, request)]
  if (tree && Number.isFinite(exposure.start)) {
    for (const kind of ['THAR', 'TRIP'] as const) products.push(treePath(tree, kind, exposure.start))
  }
  if (request.config.products.figures) products.push(products[0]!.replace(/\.fits$/, '.png'))
  const parents = [
    { path: exposure.path, role: 'arc' },
    { path: listPath, role: 'line list' },
  ]
  const job = { name: exposure.name, inputs: [exposure.path], products, parents }
  const about = { name: exposure.name, path: exposure.path, mjd: exposure.mjd, camera: exposure.camera }
  const kept = !request.force && isCurrent(job, request.context) ? readSolved(products[0]!, about) : undefined
  const arc = kept ?? solveExposure(exposure, kit)
  if ('problem' in arc) throw new Rejection(arc.problem)
  for (const problem of arc.problems) request.log.warn(`${exposure.shown}: ${problem}`)
  return { ...job, params: { ...paramsOf(exposure, kit), kind: 'arc', arc } }
}

/** A TRIP bears the date of its arc and a thousandth of a day more. */
const TRIP_OFFSET_DAYS = 0.001

const treePath = (tree: Tree, kind: 'THAR' | 'TRIP', mjd: number) =>
  inTree(
    tree,
    ...(productPathInTree(kind, tree.site, kind === 'TRIP' ? mjd + TRIP_OFFSET_DAYS : mjd).split('/') as [
      never,
      string,
    ]),
  )

function productOf({ stem, path }: Exposure, { output }: Request<WavelengthSchema>): string {
  const product = join(output, `${stem.endsWith('-1d') ? stem : `${stem}-1d`}.fits`)
  if (resolve(product) === resolve(path)) throw new ConfigError(`${path} would be overwritten`, 'give another --output')
  return product
}

const paramsOf = (exposure: Exposure, { listPath, request }: Kit) => ({
  ...{
    list: listPath,
    arcs: [],
    shares: [],
    averaged: [],
    lamp: [],
    mjd: exposure.mjd,
    start: exposure.start,
    camera: exposure.camera,
  },
  fibres: request.profile.values.spectrograph.fibres,
  reference: request.profile.values.spectrograph['arc fibre'],
})

/** Arcs that --arc names: solved ones, or spectra that are solved now. */
function givenArcs(kit: Kit): Arc[] {
  const paths = (kit.request.flags.arc as string[] | undefined) ?? []
  return paths.map((path) => {
    if (!existsSync(path)) throw new ConfigError(`--arc ${path}: no such file`, 'check the path')
    const exposure = describeExposure({ path: resolve(path), name: path, stem: path, shown: path }, kit.request)
    const arc = readSolved(path, exposure) ?? solveExposure(exposure, kit)
    if ('problem' in arc) throw new DataError(`--arc ${path}: ${arc.problem}`, 'take another arc')
    return arc
  })
}

function exposureJob(exposure: Exposure, arcs: readonly Arc[], kit: Kit): Job<WavelengthJob> {
  const { config } = kit.request
  const lamp = exposure.arcFibres ?? []
  const options = { ...config.arcs, lamp: config.drift.apply ? lamp : [] }
  const serving = servingArcs(exposure, arcs, options)
  if (serving.length === 0) {
    const limit = config.arcs['maximum age']
    const cameras = [...new Set(arcs.map(({ camera }) => camera))]
    const strange = cameras.every((camera) => camera && exposure.camera && camera !== exposure.camera)
    const others = strange
      ? `no arc of camera ${exposure.camera}, only of ${cameras.join(', ')}`
      : `no arc within ${limit} d`
    const why = arcs.length === 0 ? 'no arc is solved' : others
    throw new DataError(why, 'give arcs among the inputs, or --arc FILE')
  }
  const taken = new Set(
    serving.flatMap(({ chosen, alike }) => [...chosen.map(({ arc }) => arc), ...(alike?.arcs ?? [])]),
  )
  const all = commonOf(
    [...taken].sort((a, b) => a - b),
    arcs,
    kit.common,
  )
  const shares = serving.map(({ fibre, chosen }): [number, ArcShare[]] => [fibre, chosen])
  const averaged = sharesOf(exposure, all, serving, lamp)
  const needed = [...new Set([...shares, ...averaged].flatMap(([, some]) => some.map(({ arc }) => arc)))]
  const used = needed.map((k) => usedArc(all[k]!, lamp))
  const renamed = (given: typeof shares) =>
    given.map(([fibre, some]): [number, ArcShare[]] => [
      fibre,
      some.map(({ arc, share }) => ({ arc: needed.indexOf(arc), share })),
    ])
  const parents = [
    { path: exposure.path, role: 'exposure' },
    ...needed.map((k) => ({ path: arcs[k]!.path, role: 'arc' })),
    { path: kit.listPath, role: 'line list' },
  ]
  return {
    ...{ name: exposure.name, inputs: [exposure.path], products: [productOf(exposure, kit.request)], parents },
    params: {
      ...paramsOf(exposure, kit),
      ...{ kind: 'exposure', arcs: used, shares: renamed(shares), averaged: renamed(averaged), lamp },
    },
  }
}
