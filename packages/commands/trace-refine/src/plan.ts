import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { ConfigError, DataError, type Job, type Plan, type Request, type Row, readProvenance } from '@nightpipe/command'
import { imageHdu, openFits, textOf } from '@nightpipe/fits'
import {
  chooseFrom,
  describeOrderFrame,
  type OrderFrameFacts,
  openTree,
  productName,
  readStandards,
  readTraces,
  requireOneSize,
  type StandardRow,
  standardPath,
  type Tree,
} from '@nightpipe/spectrographs'
import type { RefineSchema } from './schema.js'

export interface RefineJob {
  flats: { path: string; shown: string; lit: number[] }[]
  traces: string
  mjd?: number
  site?: string
  camera?: string
  instrument?: string
}

type Found = OrderFrameFacts & { path: string; shown: string }

/** One call makes one TRACE file. */
export function planRefinement(request: Request<RefineSchema>): Plan<RefineJob> {
  const { flags, output } = request
  const tree = openTree(flags)
  const { flats, rows } = sortFlats(request, flatsOf(request))
  if (flats.length === 0) {
    const [first] = rows
    if (!first) throw new ConfigError('no flats', 'give some by --input')
    const [name, reason = ''] = [basename(first.input), first.reason]
    throw new DataError(
      `no flat among the inputs: ${reason.includes(name) ? reason : `${name} ${reason}`}`,
      'give some by --input',
    )
  }
  requireOneSize(flats)
  requireOneCamera(flats, tree)
  const [first] = flats as [Found]
  const { mjd, site, camera } = first.facts
  const stem = basename(first.path).replace(/(\.(fits?|fts|fz|gz))+$/i, '')
  const name = tree ? productName('TRAC', tree.site, mjd ?? 0) : `${stem}-trace.fits`
  const product = join(output, name)
  const traces = tracesFor(flags.traces, tree, first, product)
  const known = requireFitting(traces, first)
  const beside = (ending: string) => product.replace(/\.fits$/, ending)
  const job: Job<RefineJob> = {
    name,
    inputs: flats.map(({ path }) => path),
    products: [product, beside('.png'), beside('-orders.png'), beside('-orders.csv')],
    parents: [...flats.map(({ path }) => ({ path, role: 'flat' })), { path: traces, role: 'traces' }],
    params: {
      flats: flats.map(({ path, shown, lit }) => ({ path, shown, lit: litOf(lit, known.fibres, shown) })),
      traces,
      ...{
        mjd,
        site: tree?.site ?? site,
        camera: tree?.camera || camera,
        instrument: tree?.instrument ?? first.facts.instrument,
      },
    },
  }
  const pixels = first.width * first.height
  return { jobs: [job], rows, memoryPerJob: (flats.length + 2) * 10 * pixels + 400e6 }
}

/** All that the call names, in any of its ways, by name. */
function flatsOf({ inputs, flags }: Request<RefineSchema>): { path: string; shown: string }[] {
  const named = ['flat1', 'flat2', 'flat_filename1', 'flat_filename2'].flatMap((flag) => {
    const given = ((flags[flag] as string[] | undefined) ?? []).filter((path) => path !== '')
    const missing = given.find((path) => !existsSync(path))
    if (missing !== undefined) throw new ConfigError(`--${flag} ${missing}: no such file`, 'check the path')
    return given.map((shown) => ({ path: resolve(shown), shown }))
  })
  const all = new Map([...inputs, ...named].map(({ path, shown }) => [path, { path, shown }]))
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function sortFlats({ profile }: Request<RefineSchema>, given: readonly { path: string; shown: string }[]) {
  const rows: Row[] = []
  const found: Found[] = []
  for (const { path, shown } of given) {
    try {
      const frame = describeOrderFrame(path, shown, profile)
      const { type, unfit } = frame.facts
      const reason = unfit ?? (type === 'flat' || type === 'unknown' ? undefined : `is of type ${type}, not a flat`)
      if (reason) rows.push({ input: path, status: 'rejected', reason })
      else found.push({ ...frame, path, shown })
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      rows.push({ input: path, status: 'failed', reason: error.message })
    }
  }
  // what does not say what it is serves only where nothing says that it is a flat
  const sure = found.filter(({ facts }) => facts.type === 'flat')
  const flats = sure.length ? sure : found
  for (const { path } of found.filter((one) => !flats.includes(one))) {
    rows.push({ input: path, status: 'rejected', reason: 'does not say that it is a flat, as others do' })
  }
  return { flats, rows }
}

function requireOneCamera(flats: readonly Found[], tree: Tree | undefined): void {
  const wanted = tree?.camera || flats[0]!.facts.camera
  const odd = flats.find(
    ({ facts }) => facts.camera !== undefined && facts.camera.toLowerCase() !== wanted?.toLowerCase(),
  )
  if (odd)
    throw new DataError(
      `${odd.shown} is of camera ${odd.facts.camera}, not ${wanted}`,
      'give flats of one spectrograph',
    )
}

/**
 * The traces to start from. Those that this call makes are none: on the flats of the same night, made anew, it starts from
 * what it started from before.
 */
function tracesFor(said: unknown, tree: Tree | undefined, { facts, shown }: Found, product: string): string {
  if (typeof said === 'string') {
    if (!existsSync(said)) throw new ConfigError(`--traces ${said}: no such file`, 'check the path')
    return resolve(said)
  }
  if (!tree) throw new ConfigError('no traces to start from', 'give --traces FILE (trace0 makes it), or --tree DIR')
  const camera = tree.camera || (facts.camera ?? '')
  const wanted = { type: 'TRACE' as const, mjd: facts.mjd ?? 0, site: tree.site, camera }
  const pathOf = (row: StandardRow) => standardPath(tree, row)
  const rows = readStandards(tree).filter((row) => pathOf(row) !== product)
  const before = startOf(product)
  const again = rows.filter((row) => basename(row.Filename) === before)
  const { chosen } = [again, rows]
    .map((some) => chooseFrom(some, wanted, pathOf, existsSync))
    .find((choice) => choice.chosen) ?? { chosen: undefined }
  if (chosen) return chosen.path
  throw new DataError(`${shown}: the tree has no traces of camera ${camera}`, 'make some by trace0')
}

/** The name of the traces that a refinement started from. */
function startOf(product: string): string | undefined {
  try {
    return readProvenance(product).parents.find(({ role }) => role === 'traces')?.file
  } catch {
    return undefined // it is not there yet, or of another pipeline
  }
}

/** Traces of another size or camera would be fitted to light that is not theirs. */
function requireFitting(path: string, { width, height, shown, facts }: Found): { fibres: number } {
  const traces = readTraces(path, { height })
  if (traces.width !== width || traces.height !== height) {
    throw new DataError(
      `${shown} is ${width}x${height} but the traces of ${basename(path)} are for ${traces.width}x${traces.height}`,
      'give traces of this spectrograph and binning',
    )
  }
  const file = openFits(path)
  const camera = textOf(imageHdu(file).header, 'INSTRUME')
  file.close()
  if (camera && facts.camera && camera.toLowerCase() !== facts.camera.toLowerCase()) {
    throw new DataError(
      `${shown} is of camera ${facts.camera}, but ${basename(path)} of ${camera}`,
      'give traces of this camera',
    )
  }
  return traces
}

function litOf(said: number[] | undefined, fibres: number, shown: string): number[] {
  const lit = (said ?? Array.from({ length: fibres }, (_, f) => f)).filter((fibre) => fibre < fibres)
  if (lit.length === 0) throw new DataError(`${shown}: no fibre has light`, 'give a flat with the lamp on')
  return lit
}
