import { closeSync, openSync, readSync } from 'node:fs'
import { type StripPlan, writeStrip } from '@nightpipe/fits'
import { allocate, kernels, scoped } from '@nightpipe/kernels'

export interface RescaleArgs {
  plan: StripPlan
  width: number
  first: number
  rows: number
  factor: number
}

/**
 * Image and errors of some rows of a flat in the making, multiplied: the levels that its frames were divided by come from
 * a sample of their pixels, and its mean is to be 1. Returns their sums.
 */
export function rescaleRows({ plan, width, first, rows, factor }: RescaleArgs): number[] {
  return [0, 1].map((plane) =>
    scoped(() => {
      const bytes = allocate(Uint8Array, 4 * rows * width)
      readWritten(plan, plane, first, bytes)
      const pixels = allocate(Float32Array, rows * width)
      kernels().floatsFromFloats(bytes.byteOffset, pixels.byteOffset, pixels.length, factor, 0)
      return writeStrip(plan, plane, first, pixels)
    }),
  )
}

/** Rows of a file in the making, which has no headers yet. */
function readWritten({ path, images }: StripPlan, plane: number, first: number, into: Uint8Array): void {
  const image = images[plane]
  if (!image) throw new RangeError(`plane ${plane} of ${path} is not written by rows`)
  const start = image.dataStart + first * image.width * (Math.abs(image.coding.bitpix) / 8)
  const fd = openSync(path, 'r')
  try {
    for (let done = 0; done < into.length; ) {
      const got = readSync(fd, into, done, into.length - done, start + done)
      if (got === 0) throw new RangeError(`${path} ends before byte ${start + into.length}`)
      done += got
    }
  } finally {
    closeSync(fd)
  }
}
