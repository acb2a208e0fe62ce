import { closeSync, fdatasync, openSync, writeSync } from 'node:fs'
import { explainSystemError } from '@nightpipe/files'
import { allocate, scoped } from '@nightpipe/kernels'
import { addSums } from './checksum.js'
import { encodeAndSum, type PixelCoding } from './encode-pixels.js'
import type { PixelArray } from './new-hdu.js'

/** All that a thread needs to write rows of a file in the making; can be sent to workers. */
export interface StripPlan {
  /** The partial file, and the name that it will have. */
  path: string
  target: string
  images: (StripImage | undefined)[]
}

export interface StripImage {
  coding: PixelCoding
  dataStart: number
  width: number
  rows: number
}

/** Puts bytes at an offset of the file. */
export type Sink = (offset: number, bytes: Uint8Array) => void

/** Encoded by strips of this many bytes, which stay in the processor's cache. */
const STRIP = 1 << 18

/**
 * Writes rows of the image `hduIndex` from any thread, in any order. `pixels` are whole rows of physical values.
 * Returns their part of the checksum, to be handed to `addSum` of the writer.
 */
export function writeStrip(plan: StripPlan, hduIndex: number, firstRow: number, pixels: PixelArray): number {
  const image = plan.images[hduIndex]
  if (!image) throw new RangeError(`HDU ${hduIndex} of the plan is not an image to be written by rows`)
  try {
    const fd = openSync(plan.path, 'r+')
    try {
      return putRows(image, firstRow, pixels, fileSink(fd))
    } finally {
      if (isFlushedAfter(image, firstRow, pixels.length)) fdatasync(fd, () => closeSync(fd))
      else closeSync(fd)
    }
  } catch (error) {
    throw explainSystemError(error, 'write', plan.target)
  }
}

/** The disk is set to work at every so many bytes: flushing a large file at its end takes as long as writing it. */
const FLUSHED_AT_ONCE = 1 << 23

export function fileSink(fd: number): Sink {
  let waiting = 0
  return (offset, bytes) => {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
    waiting += bytes.length
    if (waiting < FLUSHED_AT_ONCE) return
    waiting = 0
    fdatasync(fd, () => {}) // in the background; what goes wrong shows when the file is flushed as a whole
  }
}

/** An image is flushed in four pieces, as far as they are not too small or too large. */
const SMALLEST_PIECE = 1 << 22

/** Rows with which another piece of the image is full, whichever rows are written first. */
function isFlushedAfter({ coding, width, rows }: StripImage, firstRow: number, count: number): boolean {
  const size = Math.abs(coding.bitpix) / 8
  const piece = Math.min(FLUSHED_AT_ONCE, Math.max(SMALLEST_PIECE, (width * rows * size) / 4))
  const pieces = (pixels: number) => Math.floor((pixels * size) / piece)
  return pieces(firstRow * width + count) > pieces(firstRow * width)
}

export function putRows(image: StripImage, firstRow: number, pixels: PixelArray, sink: Sink): number {
  const { coding, width, rows, dataStart } = image
  const last = firstRow + pixels.length / width
  if (!Number.isInteger(firstRow) || firstRow < 0 || !Number.isInteger(last) || last > rows) {
    throw new RangeError(`${pixels.length} pixels from row ${firstRow} of an image of ${rows} rows of ${width}`)
  }
  const size = Math.abs(coding.bitpix) / 8
  const start = firstRow * width * size
  return scoped(() => {
    let sum = 0
    const strip = allocate(Uint8Array, Math.min(STRIP, pixels.length * size))
    for (let at = 0; at < pixels.length; at += STRIP / size) {
      const bytes = strip.subarray(0, Math.min(STRIP, (pixels.length - at) * size))
      const part = encodeAndSum(pixels, at, coding, bytes, start + at * size)
      sum = addSums(sum, part)
      // The file was made at its full size: where nothing but zeros belongs, as in most of a mask, they are there.
      if (part !== 0) sink(dataStart + start + at * size, bytes)
    }
    return sum
  })
}
