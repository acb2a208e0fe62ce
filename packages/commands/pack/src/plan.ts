import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataError, type Job, type Plan, type Request, type Row } from '@nightpipe/command'
import { describeFrame, type FrameFacts } from '@nightpipe/config'
import { cardLookup, openFits } from '@nightpipe/fits'
import { inTree, lightOf, openTree, productName, starName, type Tree } from '@nightpipe/spectrographs'
import type { PackSchema } from './schema.js'

export interface BundleJob {
  /** …-e91 */
  name: string
  /** fibres of stars, and that of the lamp; undefined where none is */
  stars: number[]
  arc?: number
  target?: string
  site?: string
  mjd?: number
  /** the velocities of the exposure in the old form */
  radv?: string
}

/** `cptnrs03-fa13-20181128-0005-e00-1d` is `cptnrs03-fa13-20181128-0005-e91`: 91 is the level of what is packed. */
export const bundleName = (stem: string) => {
  const raw = stem.replace(/-1d$/, '')
  return /[a-z]00$/.test(raw) ? raw.replace(/00$/, '91') : `${raw}-e91`
}

/** Headers only. */
export function planBundles(request: Request<PackSchema>): Plan<BundleJob> {
  const tree = openTree(request.flags)
  const rows: Row[] = []
  const jobs: Job<BundleJob>[] = []
  for (const { path, name, stem, shown } of request.inputs) {
    try {
      const params = paramsOf(path, bundleName(stem), request, shown, tree)
      const folder = join(request.output, params.name)
      const products = [`${folder}.tar.gz`, join(folder, `${params.name}.fits.fz`)]
      if (request.config.bundle.figures) products.push(join(folder, `${params.name}.pdf`))
      const parents = [{ path, role: 'spectrum' }, ...(params.radv ? [{ path: params.radv, role: 'velocities' }] : [])]
      jobs.push({ name, inputs: [path], products, parents, params })
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      rows.push({ input: path, status: 'failed', reason: error.message })
    }
  }
  return { jobs, rows }
}

function paramsOf(
  path: string,
  name: string,
  { profile }: Request<PackSchema>,
  shown: string,
  tree: Tree | undefined,
): BundleJob {
  const file = openFits(path)
  try {
    const table = file.hdus.find((hdu) => hdu.name === 'SPECTRUM' && hdu.kind === 'table')
    if (!table) throw new DataError(`${shown} has no table SPECTRUM`, 'pack the -1d files of exposures')
    const lookup = cardLookup(file.hdus[0]!)
    const facts: FrameFacts = describeFrame(lookup, profile, { width: 1, height: 1, name: shown })
    const words = facts.fibres ?? []
    const fibres = words.map((word, fibre) => ({ fibre, word, light: lightOf(word) }))
    const stars = fibres.filter(({ light }) => light === 'star')
    const arc = fibres.find(({ light }) => light === 'arc')?.fibre
    const arcFibre = profile.values.spectrograph['arc fibre']
    const names = stars.map(({ fibre }) => starName(file, fibre, { ...facts, arcFibre }))
    const target = names.join(' and ') || facts.object
    const radv = tree && facts.mjd !== undefined ? inTree(tree, 'rv', productName('RADV', tree.site, facts.mjd)) : ''
    return {
      ...{ name, stars: stars.map(({ fibre }) => fibre), arc, target, site: facts.site, mjd: facts.mjd },
      ...(radv && existsSync(radv) ? { radv } : {}),
    }
  } finally {
    file.close()
  }
}
