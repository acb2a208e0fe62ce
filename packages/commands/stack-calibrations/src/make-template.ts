import { basename } from 'node:path'
import { DataError, type Job, type Row, writeProduct } from '@nightpipe/command'
import { setCard } from '@nightpipe/fits'
import { makeZero, readStarExposure, readTargets, type StarExposure, zeroHdus } from '@nightpipe/spectrographs'
import type { MasterTools } from './make-master.js'
import type { SpectraJob, SpectraSingle } from './spectra-job.js'
import { headerOfMany } from './tree-header.js'

/** Exposures of one star to its ZERO template: at rest, in the frame of the star. */
export function makeTemplate(job: Job<SpectraJob>, tools: MasterTools): Row[] {
  const { singles, tree, target } = job.params
  const rows: Row[] = []
  const exposures = readExposures(job.params, tools, rows)
  const least = tools.config.spectra['template frames']
  if (exposures.length < least) {
    const reason = `only ${exposures.length} of ${singles.length} exposures can be used for a template of ${target}, ${least} needed`
    return [...rows, ...exposures.map(({ path }): Row => ({ input: path, status: 'failed', reason }))]
  }
  const made = makeZero(exposures, { target, orders: ordersOf(tools) })
  for (const note of made.notes) tools.log.warn(`template of ${target}: ${note}`)
  const paths = exposures.map(({ path }) => path)
  const header = headerOfMany(paths, tree, 'template', tools.profile)
  setCard(header, 'OBSTYPE', 'TEMPLATE', 'type of the product')
  const product = writeProduct(job.products[0]!, zeroHdus(made.file, header), tools.context, job.parents)
  const measurements = { type: 'template' }
  return [...rows, ...paths.map((input): Row => ({ input, status: 'done', product, measurements }))]
}

const ordersOf = ({ profile }: MasterTools) => profile.values.spectrograph.orders || undefined

function readExposures({ singles, tree }: SpectraJob, { profile }: MasterTools, rows: Row[]): StarExposure[] {
  const targets = readTargets(tree)
  const arcFibre = profile.values.spectrograph['arc fibre']
  return singles.flatMap(({ path }: SpectraSingle) => {
    try {
      const exposure = readStarExposure(path, profile, { targets, arcFibre })
      const odd = exposure.stars.find(({ correction }) => !correction)
      if (odd) throw new DataError(`no barycentric correction: ${odd.notes.join('; ') || 'its star is not known'}`)
      return [exposure]
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      rows.push({ input: path, status: 'failed', reason: `${basename(path)}: ${error.message}` })
      return []
    }
  })
}
