import {
  FitsError,
  type Hdu,
  openFits,
  readFrame,
  readGroups,
  readPixels,
  readPixels64,
  readTable,
  verifySums,
} from '../../src/index.js'

/** Reads all that a file holds. Answers true, or false where a FitsError says what is wrong; any other error is a bug. */
export function readAll(bytes: Uint8Array): boolean {
  const file = attempt(() => openFits(bytes, { name: 'fuzz.fits' }))
  if (!file) return false
  let good = attempt(() => verifySums(file)) !== undefined
  for (const hdu of file.hdus) good = attempt(() => readHdu(hdu)) !== undefined && good
  return attempt(() => readFrame(file)) !== undefined && good
}

function readHdu(hdu: Hdu): boolean {
  if (hdu.kind === 'table' || hdu.kind === 'ascii') readTable(hdu)
  else if (hdu.kind === 'groups') readGroups(hdu)
  else if (hdu.kind === 'image') {
    const pixels = readPixels(hdu).length
    if (pixels < 1e6) readPixels64(hdu)
  }
  return true
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof FitsError)) throw error
    if (error.message.includes('\n')) throw new Error(`more than one line: ${error.message}`)
    return undefined
  }
}
