import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  ConfigError,
  DataError,
  type Job,
  type Parent,
  type Plan,
  productHeader,
  type Request,
  type Row,
} from '@nightpipe/command'
import { describeFrame } from '@nightpipe/config'
import { cardLookup, openFits, textOf } from '@nightpipe/fits'
import {
  chooseZeroOf,
  inTree,
  lightOf,
  matchTarget,
  openTree,
  productPathInTree,
  readTargets,
  SPECTRUM,
  starFibres,
  starName,
  type TargetRow,
  type Tree,
  targetsTable,
} from '@nightpipe/spectrographs'
import { readTable } from '@nightpipe/table'
import { readMask, readTellurics, readUt1 } from './inputs.js'
import type { RvSchema } from './schema.js'

/** What a job must know of its exposure. */
export interface RvJob {
  /** name of the raw frame */
  raw: string
  /** templates by fibre: paths, and why each was taken */
  templates: { fibre: number; path: string; why: string }[]
  /** rows of the catalogue; only those that can be meant */
  targets: TargetRow[]
  site?: string | undefined
  /** products after the first, by kind */
  plot?: string | undefined
  radv?: string | undefined
  expm?: string | undefined
}

/** Headers only: what holds no star is set aside, and every file that the configuration names is looked at. */
export function planVelocities(request: Request<RvSchema>): Plan<RvJob> {
  const { config, flags, inputs, log } = request
  const tree = openTree(flags)
  const { template, mask, tellurics } = config.velocity
  if (template) requireTemplate(template)
  if (mask) readMask(mask, config.velocity['mask medium'])
  readTellurics(tellurics)
  if (config.barycentre.ut1) readUt1(config.barycentre.ut1)
  const targets = catalogueOf(config.barycentre.targets, tree, (text) => log.warn(text))
  const rows: Row[] = []
  const jobs: Job<RvJob>[] = []
  for (const { path, shown, stem } of inputs) {
    try {
      const job = planOne(path, shown, stem, request, tree, targets)
      if ('reason' in job) rows.push({ input: path, status: 'rejected', reason: job.reason })
      else jobs.push(job)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      rows.push({
        input: path,
        status: 'failed',
        reason: error.advice ? `${error.message} (${error.advice})` : error.message,
      })
    }
  }
  return { jobs, rows, memoryPerJob: 400e6 }
}

function planOne(
  path: string,
  shown: string,
  stem: string,
  { config, profile, output }: Request<RvSchema>,
  tree: Tree | undefined,
  targets: readonly TargetRow[],
): Job<RvJob> | { reason: string } {
  const { facts, fibresHere, names } = headOf(path, shown, profile)
  const words = facts.fibres
  if (words ? starFibres(words).length === 0 : ['arc', 'flat', 'bias', 'dark'].includes(facts.type)) {
    return { reason: `no fibre sees a star: ${words?.join('&') ?? facts.type}` }
  }
  const raw = stem.replace(/-1d$/, '')
  const fibres = words ? starFibres(words) : fibresHere
  const pointing = { raDeg: facts.raDeg, decDeg: facts.decDeg, mjd: facts.mjd }
  const meant = fibres.map((fibre) => {
    const name = names[fibre] ?? facts.object ?? ''
    return { fibre, name, ...matchTarget(targets, { name, ...pointing }) }
  })
  const templates = meant.flatMap(({ fibre, name, target }) => {
    if (config.velocity.template) return [{ fibre, path: config.velocity.template, why: 'named' }]
    if (!tree || config.velocity.method === 'mask') return []
    const colour = (a: number | undefined, b: number | undefined) =>
      a === undefined || b === undefined ? undefined : a - b
    const choice = chooseZeroOf(tree, {
      ...{ target: name, named: target?.ZERO, teff: target?.Teff, logg: target?.Logg },
      ...{ bv: colour(target?.Bmag, target?.Vmag), jk: colour(target?.Jmag, target?.Kmag) },
    })
    return choice.path ? [{ fibre, path: choice.path, why: choice.why }] : []
  })
  if (config.velocity.method === 'template' && templates.length < fibres.length) {
    throw new DataError(
      `${shown}: no template for ${meant[0]!.name || 'the star'}`,
      'make one by stack-calibrations --calibration-type TEMPLATE, or take --set velocity.method=auto',
    )
  }
  const parents: Parent[] = [
    { path, role: 'spectrum' },
    ...[...new Set(templates.map((one) => one.path))].map((one) => ({ path: one, role: 'template' })),
    ...(config.velocity.mask ? [{ path: config.velocity.mask, role: 'mask' }] : []),
    ...(config.barycentre.ut1 ? [{ path: config.barycentre.ut1, role: 'UT1' }] : []),
  ]
  const named = { plot: undefined, radv: undefined, expm: undefined } as Pick<RvJob, 'plot' | 'radv' | 'expm'>
  if (tree && facts.mjd !== undefined) {
    const at = (kind: 'RADV' | 'EXPM') => join(tree.folder, productPathInTree(kind, tree.site, facts.mjd!))
    if (templates.length > 0) named.radv = at('RADV')
    named.expm = at('EXPM')
  }
  if (config.products.plots === 'yes') {
    named.plot = tree ? inTree(tree, 'plot', `${raw}-rv.png`) : join(output, `${raw}-rv.png`)
  }
  const product = join(output, `${raw}-1d.fits`)
  // an exposure that tells no velocity has no RADV: one that is not there is not missed
  const radv = tellsNone(product) ? undefined : named.radv
  const others = [radv, named.expm, named.plot].filter((one) => one !== undefined)
  const params: RvJob = {
    raw,
    templates,
    targets: meant.flatMap(({ target }) => target ?? []),
    site: facts.site,
    ...named,
  }
  return { name: shown, inputs: [path], products: [product, ...others], parents, params }
}

/** Of a product that is there: none of its stars has a velocity. */
function tellsNone(product: string): boolean {
  const header = existsSync(product) ? productHeader(product) : undefined
  const methods = header ? ['RVMETH', 'RVMETH2'].map((keyword) => textOf(header, keyword)) : []
  return methods[0] === 'none' && (methods[1] ?? 'none') === 'none'
}

function headOf(path: string, shown: string, profile: Request<RvSchema>['profile']) {
  const file = openFits(path)
  try {
    if (!file.hdus.some(({ name }) => name === SPECTRUM)) {
      throw new DataError(`${shown} has no table ${SPECTRUM}`, 'give -1d files, as wavelength makes them')
    }
    const facts = describeFrame(cardLookup(file.hdus[0]!) as never, profile, {
      width: 1,
      height: 1,
      name: basename(path),
    })
    const lamp = facts.fibres?.findIndex((word) => lightOf(word) === 'arc')
    const arcFibre = profile.values.spectrograph['arc fibre']
    const names = facts.fibres?.map((_, fibre) => starName(file, fibre, { ...facts, arcFibre })) ?? []
    return { facts, lamp, names, fibresHere: [0] }
  } finally {
    file.close()
  }
}

function catalogueOf(path: string, tree: Tree | undefined, warn: (text: string) => void): TargetRow[] {
  if (path) {
    if (!existsSync(path)) throw new ConfigError(`[barycentre] targets: there is no ${path}`)
    return readTable(path, targetsTable, { onProblem: (problem) => warn(problem.message) })
  }
  return tree ? readTargets(tree, (problem) => warn(problem.message)) : []
}

function requireTemplate(path: string): void {
  if (!existsSync(path)) throw new ConfigError(`[velocity] template: there is no ${path}`, 'give a ZERO file')
}
