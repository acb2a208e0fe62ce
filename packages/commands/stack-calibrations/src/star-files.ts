import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DataError, type Request, type Row } from '@nightpipe/command'
import { describeFrame } from '@nightpipe/config'
import { cardLookup, openFits } from '@nightpipe/fits'
import { inTree, readStandards, starFibres, starName, type Tree, targetKey } from '@nightpipe/spectrographs'
import type { schema } from './schema.js'
import type { SpectraSingle } from './spectra-job.js'
import { inWindowOfTable, isWithin, type Window } from './tree-call.js'

type Sources = Request<typeof schema>

const ENDING = '-1d.fits'

/**
 * Exposures of a star in a window, with wavelengths: the files NAME-1d.fits that `wavelength` left in temp/wave (or that
 * `rv` finished in spec), or those of --input. An exposure whose BLAZE row is flagged unusable is left out.
 */
export function starFiles(
  { tree, window, target }: { tree: Tree; window: Window; target: string },
  request: Sources,
  rows: Row[],
): SpectraSingle[] {
  const wanted = targetKey(target)
  const withdrawn = readStandards(tree).filter(
    ({ Type, Flags, JDdata }) => Type === 'BLAZE' && Flags?.startsWith('1') && inWindowOfTable(JDdata, window),
  )
  return candidates(tree, request).flatMap((path): SpectraSingle[] => {
    try {
      const file = openFits(path)
      try {
        const lookup = cardLookup(file.hdus[0]!)
        const facts = describeFrame(lookup, request.profile, { width: 1, height: 1, name: path })
        const { mjd, camera, fibres = [], object = '' } = facts
        const arcFibre = request.profile.values.spectrograph['arc fibre']
        const isWanted = (f: number) => targetKey(starName(file, f, { fibres, object, arcFibre })) === wanted
        if (facts.type !== 'object' || mjd === undefined || !isWithin(mjd, window)) return []
        const stars = fibres.length > 0 ? starFibres(fibres).filter(isWanted) : []
        const found = stars.length > 0 || (fibres.length === 0 && targetKey(object) === wanted)
        if (!found || (tree.camera && camera?.toLowerCase() !== tree.camera.toLowerCase())) return []
        if (withdrawn.some(({ JDdata }) => Math.abs(JDdata! - 2400000.5 - mjd) < 1e-5)) {
          rows.push({
            input: path,
            status: 'rejected',
            reason: 'its BLAZE row is flagged unusable in csv/standards.csv',
          })
          return []
        }
        return [{ path, mjd, camera: camera ?? tree.camera, fibres: stars }]
      } finally {
        file.close()
      }
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      rows.push({ input: path, status: 'failed', reason: error.message })
      return []
    }
  })
}

function candidates(tree: Tree, request: Sources): string[] {
  if (request.inputs.length > 0) return request.inputs.map(({ path }) => path)
  const known = new Map<string, string>()
  for (const folder of [inTree(tree, 'spec'), inTree(tree, 'temp', 'wave')]) {
    if (!existsSync(folder)) continue
    for (const name of readdirSync(folder)) if (name.endsWith(ENDING)) known.set(name, join(folder, name))
  }
  return [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
}
