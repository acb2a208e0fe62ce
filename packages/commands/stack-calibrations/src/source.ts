import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { beforeNextRun } from '@nightpipe/command'
import { atomicTarget, explainSystemError, systemCode } from '@nightpipe/files'
import { type FitsFile, type Hdu, imageHdu, openFits } from '@nightpipe/fits'

/** Where the rows of a frame are read from: a FITS file, the frame's own or an unpacked copy of it. */
export interface Source {
  path: string
  hdu: number
  /** A copy, to be removed when the master is done. */
  copied: boolean
}

/**
 * The source of a frame. A file that is compressed as a whole cannot be read by rows: it is unpacked beside `output`,
 * under a name that later runs know as litter.
 */
export function openSource(path: string, hdu: number, output: string): Source {
  if (!isGzip(path)) return { path, hdu, copied: false }
  const { partial } = atomicTarget(`${output}/unpacked`)
  try {
    writeFileSync(partial, gunzipSync(readFileSync(path)), { flag: 'wx' })
  } catch (error) {
    throw explainSystemError(error, 'unpack', path)
  }
  return { path: partial, hdu, copied: true }
}

function isGzip(path: string): boolean {
  const start = new Uint8Array(2)
  const fd = openSync(path, 'r')
  try {
    return readSync(fd, start, 0, 2, 0) === 2 && start[0] === 0x1f && start[1] === 0x8b
  } finally {
    closeSync(fd)
  }
}

/** The image of a source, from a file that stays open. */
export const sourceImage = ({ path, hdu }: Source): Hdu => openKept(path).hdus[hdu]

/** A master as its rows are read: the image and what belongs to it. */
export function openMaster(path: string): { image: Hdu; error?: Hdu; mask?: Hdu } {
  const file = openKept(path)
  const image = imageHdu(file)
  return { image, error: file.hdus.find((h) => h.name === 'ERR'), mask: file.hdus.find((h) => h.name === 'MASK') }
}

const open = new Map<string, FitsFile>()
/** Files that a thread keeps open: a group of thousands of frames must not run out of descriptors. */
const MOST_OPEN = 500

function openKept(path: string): FitsFile {
  const kept = open.get(path)
  if (kept) return kept
  if (open.size >= MOST_OPEN) closeSources()
  const file = openAnyhow(path)
  open.set(path, file)
  return file
}

/** With fewer descriptors than that, others are closed first. */
function openAnyhow(path: string): FitsFile {
  try {
    return openFits(path)
  } catch (error) {
    const code = systemCode(error) ?? systemCode((error as Error).cause)
    if ((code !== 'EMFILE' && code !== 'ENFILE') || open.size === 0) throw error
    closeSources()
    return openFits(path)
  }
}

export function closeSources(): void {
  for (const file of open.values()) file.close()
  open.clear()
}
beforeNextRun(closeSources)
