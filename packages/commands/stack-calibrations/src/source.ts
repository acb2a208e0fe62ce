import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { atomicTarget } from '@nightpipe/files'
import { type FitsFile, type Hdu, imageHdu, openFits, readPixels } from '@nightpipe/fits'

/**
 * Where the pixels of a frame are read from, in any order of rows: the FITS file itself when its rows lie open in it;
 * else a copy of its unpacked pixels, made once, float32 in the machine's order.
 */
export type Source = { kind: 'fits'; path: string; hdu: number } | { kind: 'copy'; path: string; width: number }

const isPacked = (path: string) => /\.(gz|fz|bz2|z)$/i.test(path)

/** The source of a frame; what is packed is unpacked beside `output`, under a name that later runs know as litter. */
export function openSource(path: string, hdu: number, output: string): Source {
  if (!isPacked(path)) return { kind: 'fits', path, hdu }
  const file = openFits(path)
  try {
    const image = file.hdus[hdu]
    const [width, height] = image.axes
    const { partial } = atomicTarget(`${output}/unpacked`)
    const to = openSync(partial, 'w')
    const rows = Math.max(1, Math.floor((1 << 22) / width))
    for (let y = 0; y < height; y += rows) {
      const pixels = readPixels(image, { firstRow: y, rows: Math.min(rows, height - y) })
      writeSync(to, new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength))
    }
    closeSync(to)
    return { kind: 'copy', path: partial, width }
  } finally {
    file.close()
  }
}

/** A master as its rows are read: the image and what belongs to it. */
export function openMaster(path: string): { image: Hdu; error?: Hdu; mask?: Hdu } {
  const file = openKept(path)
  const image = imageHdu(file)
  return { image, error: file.hdus.find((h) => h.name === 'ERR'), mask: file.hdus.find((h) => h.name === 'MASK') }
}

const open = new Map<string, FitsFile>()
/** Files kept open in each thread: a group of hundreds of frames must not run out of descriptors. */
const MOST_OPEN = 200

/** Rows of a source as physical values, into an array that may lie in kernel memory. */
export function readRows(source: Source, firstRow: number, rows: number, into: Float32Array): Float32Array {
  if (source.kind === 'copy') {
    const fd = openSync(source.path, 'r')
    try {
      const bytes = new Uint8Array(into.buffer, into.byteOffset, rows * source.width * 4)
      readSync(fd, bytes, 0, bytes.length, firstRow * source.width * 4)
    } finally {
      closeSync(fd)
    }
    return into
  }
  return readPixels(openKept(source.path).hdus[source.hdu], { firstRow, rows, into })
}

function openKept(path: string): FitsFile {
  const kept = open.get(path)
  if (kept) return kept
  if (open.size >= MOST_OPEN) closeSources()
  const file = openFits(path)
  open.set(path, file)
  return file
}

export function closeSources(): void {
  for (const file of open.values()) file.close()
  open.clear()
}
