import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { DataError, explainSystemError } from '@nightpipe/files'
import { openFits } from '@nightpipe/fits'
import { isAstrometryIndex, readAstrometryIndex } from './astrometry-index.js'
import { csvTable } from './csv-stars.js'
import { fitsTable } from './fits-stars.js'
import type { SkyStars } from './star.js'
import { type StarColumns, starsOf } from './star-columns.js'
import { decodeOpenStars } from './tile.js'
import { votable } from './votable.js'

/**
 * Reads a file of stars whole: FITS (ours, an index of astrometry.net, or any other table), VOTable, or text. Columns are
 * recognised by their names.
 */
export function readStarFile(path: string, wanted: Partial<StarColumns> = {}): SkyStars {
  const start = firstBytes(path)
  if (start.toString('latin1').startsWith('SIMPLE  =') || (start[0] === 0x1f && start[1] === 0x8b)) {
    return fitsStars(path, wanted)
  }
  const bytes = readFileSync(path)
  if (/^\uFEFF?\s*<(\?xml|!--|(\w+:)?VOTABLE)/i.test(bytes.toString('utf8', 0, 1000))) {
    return starsOf(votable(bytes.toString('utf8'), path), path, wanted)
  }
  return starsOf(csvTable(bytes, path), path, wanted)
}

function firstBytes(path: string): Buffer {
  try {
    const file = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(16)
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
}

function fitsStars(path: string, wanted: Partial<StarColumns>): SkyStars {
  const file = openFits(path)
  try {
    if (isAstrometryIndex(file)) return readAstrometryIndex(file)
    const own = decodeOpenStars(file)
    if (own) return own
    const table = fitsTable(file)
    if (table) return starsOf(table, path, wanted)
  } finally {
    file.close()
  }
  throw new DataError(`${path} has no table`, 'give a FITS file with a table of stars')
}
