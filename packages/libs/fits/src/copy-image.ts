import { allocate, scoped } from '@nightpipe/kernels'
import { addSums, onesSum } from './checksum.js'
import { FitsError } from './errors.js'
import type { Hdu } from './hdu.js'
import type { NewImage } from './new-hdu.js'
import { readStored } from './read-pixels.js'
import { scalingOf } from './scaling.js'
import type { Sink, StripImage } from './strip.js'

/** Copied by strips of about so many bytes, which stay in the processor's cache. */
const STRIP = 1 << 19

/**
 * An image of an open file, to be written as it is stored: compressed, with `compress`, or uncompressed. Its header goes
 * with it.
 */
export function imageOf(hdu: Hdu): NewImage {
  const { axes, header } = hdu
  const bitpix = hdu.bitpix as NewImage['bitpix']
  const { scale, zero, blank } = scalingOf(hdu)
  if (blank !== undefined && bitpix === 64 && !Number.isSafeInteger(Number(blank))) {
    throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, `BLANK is ${blank}`, 'such a BLANK cannot be copied')
  }
  const scaling = { bscale: scale, bzero: zero, blank: blank === undefined ? undefined : Number(blank) }
  return { kind: 'image', header, bitpix, axes: [...axes], ...scaling, stored: hdu }
}

/** Writes the pixels of `hdu` as they are stored, and returns their sum. */
export function copyStored({ coding, width, rows, dataStart }: StripImage, hdu: Hdu, sink: Sink): number {
  const rowBytes = (width * Math.abs(coding.bitpix)) / 8
  const perStrip = Math.min(rows, Math.max(1, Math.floor(STRIP / rowBytes)))
  return scoped(() => {
    const strip = allocate(Uint8Array, perStrip * rowBytes)
    let sum = 0
    for (let row = 0; row < rows; row += perStrip) {
      const bytes = readRows(hdu, row, strip.subarray(0, Math.min(perStrip, rows - row) * rowBytes))
      const start = row * rowBytes
      const part = onesSum(bytes, start)
      sum = addSums(sum, part)
      // The file is made at its full size: zeros are there.
      if (part !== 0) sink(dataStart + start, bytes)
    }
    return sum
  })
}

/** Rows, counted through all planes, as they are stored. */
export function readRows(hdu: Hdu, row: number, into: Uint8Array): Uint8Array {
  const rowBytes = (hdu.axes[0]! * Math.abs(hdu.bitpix)) / 8
  return readStored(hdu, { firstRow: row, rows: into.length / rowBytes, into })
}
