import { readFileSync } from 'node:fs'
import { DataError } from '@nightpipe/command'
import type { Kernel } from '@nightpipe/image'
import { FIND_DEFAULTS, type FindOptions } from '@nightpipe/stars'
import type { FindConfig } from './schema.js'

/** The kernel that SExtractor comes with. */
const DEFAULT_KERNEL: Kernel = { width: 3, height: 3, values: [1, 2, 1, 2, 4, 2, 1, 2, 1].map((value) => value / 16) }

/** What the configuration says, as the library wants it. */
export function optionsOf(config: FindConfig): FindOptions {
  const { background, detection, deblending, photometry } = config
  const classic = detection.method === 'sextractor'
  const threshold = detection.threshold ?? (classic ? 1.5 : FIND_DEFAULTS.threshold)
  const isophote = detection.isophote ?? (classic ? threshold : FIND_DEFAULTS.isophote)
  return {
    ...{ mesh: background.mesh, meshFilter: background.filter, classic },
    ...{ threshold, isophote: Math.min(isophote, threshold) },
    minimumArea: detection.area ?? (classic ? 5 : FIND_DEFAULTS.minimumArea),
    filter: filterOf(detection.filter || (classic ? 'default' : 'psf')),
    deblendLevels: deblending.levels ?? (classic ? 32 : FIND_DEFAULTS.deblendLevels),
    ...{ deblendContrast: deblending.contrast, clean: deblending.clean },
    ...{ apertures: photometry.apertures, kronFactor: photometry.kron, kronMinimum: photometry['kron minimum'] },
    neighbours: photometry.neighbours,
  }
}

function filterOf(name: string): FindOptions['filter'] {
  if (name === 'psf' || name === 'none') return name
  return name === 'default' ? DEFAULT_KERNEL : readKernel(name)
}

/** A kernel as SExtractor keeps them: `CONV NORM`, then the numbers row by row. */
export function readKernel(path: string): Kernel {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DataError(`${path}: no such kernel`, '[detection] filter is psf, default, none or a .conv file', {
      cause,
    })
  }
  const [first = '', ...lines] = text.split('\n').filter((line) => line.trim() && !line.startsWith('#'))
  const rows = lines.map((line) => line.trim().split(/\s+/).map(Number))
  const width = rows[0]?.length ?? 0
  const values = rows.flat()
  const odd = width % 2 === 1 && rows.length % 2 === 1
  if (!/^CONV\b/.test(first) || !odd || rows.some((row) => row.length !== width) || !values.every(Number.isFinite)) {
    throw new DataError(`${path} is no kernel of odd size`, 'the first line is CONV NORM, then numbers row by row')
  }
  const total = values.reduce((sum, value) => sum + value, 0)
  const norm = /\bNONORM\b/.test(first) || total === 0 ? 1 : total
  return { width, height: rows.length, values: values.map((value) => value / norm) }
}
