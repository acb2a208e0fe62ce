import { readFileSync } from 'node:fs'
import { DataError, explainSystemError } from '@nightpipe/files'
import { openFits } from '@nightpipe/fits'
import { csvTable } from './csv-stars.js'
import { fitsTable } from './fits-stars.js'
import type { LooseTable } from './loose-table.js'
import type { SkyStars } from './star.js'
import { type StarColumns, starsOf } from './star-columns.js'
import { decodeStars } from './tile.js'

/** Reads a file of stars whole: FITS (ours or any other table), VOTable, or text. Columns are recognised by their names. */
export function readStarFile(path: string, wanted: Partial<StarColumns> = {}): SkyStars {
  const bytes = readBytes(path)
  const start = bytes.subarray(0, 512).toString('latin1')
  if (start.startsWith('SIMPLE  =') || (bytes[0] === 0x1f && bytes[1] === 0x8b)) {
    return decodeStars(bytes) ?? starsOf(tableOfFits(bytes, path), path, wanted)
  }
  return starsOf(csvTable(bytes.toString('utf8'), path), path, wanted)
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
}

function tableOfFits(bytes: Uint8Array, path: string): LooseTable {
  const file = openFits(bytes, { name: path })
  try {
    const table = fitsTable(file)
    if (table) return table
  } finally {
    file.close()
  }
  throw new DataError(`${path} has no table`, 'give a FITS file with a table of stars')
}
