import { linearityOf } from '@nightpipe/config'
import { type Hdu, type Onlooker, readStored, scalingOf } from '@nightpipe/fits'
import type { RawPlane } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'
import type { DarkSource } from './dark.js'
import { placeOf } from './master.js'
import type { ReductionJob } from './plan.js'
import { isImage } from './read-raw.js'
import type { ReductionConfig } from './schema.js'

/** The images that are calibrated with one another. */
interface Images {
  raw: Hdu
  bias?: Hdu
  flat?: Hdu
  dark?: DarkSource & { image: Hdu }
}

/**
 * True when raw frame and masters can be calibrated strip by strip as they lie in their files, in one pass: integers of 16
 * bits that are all of the frame, above no overscan and linear, and masters of its size in floats.
 */
export function areStored(
  { raw, bias, flat, dark }: Images,
  { frame }: ReductionJob,
  config: ReductionConfig,
): boolean {
  const { width, height, facts } = frame
  const { scale, zero } = scalingOf(raw)
  const [{ name }] = facts.amplifiers
  const isShort = raw.bitpix === 16 && scale === 1 && Number.isInteger(zero) && Math.abs(zero) < 2 ** 22
  if (!isShort || raw.compressed || !isImage(facts.amplifiers, width, height)) return false
  if (linearityOf(name, config.linearity) || (dark && !dark.plain)) return false
  return [bias, flat, dark?.image].every((image) => !image || isFloats(image, frame))
}

function isFloats(image: Hdu, frame: ReductionJob['frame']): boolean {
  const [width, height] = image.axes as [number, number]
  const { scale, zero } = scalingOf(image)
  const asTheyAre = image.bitpix === -32 && scale === 1 && zero === 0 && !image.compressed
  return asTheyAre && placeOf({ width, height }, frame) === 'trimmed'
}

/** Rows of a master as they are stored, in the place of floats; `size` are the pixels of a strip. */
export function storedRows(image: Hdu, width: number, size: number, see?: Onlooker) {
  const into = allocate(Float32Array, size)
  return (firstRow: number, rows: number): Float32Array => {
    const part = into.subarray(0, rows * width)
    const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
    readStored(image, { firstRow, rows, plane: 0, into: bytes })
    see?.(bytes)
    return part
  }
}

/** Rows of a raw frame of 16-bit integers as they are stored. */
export function storedRaws(image: Hdu, width: number, size: number, see?: Onlooker) {
  const into = allocate(Uint8Array, 2 * size)
  const { zero, blank } = scalingOf(image)
  return (firstRow: number, rows: number): RawPlane => {
    const bytes = readStored(image, { firstRow, rows, plane: 0, into: into.subarray(0, 2 * rows * width) })
    see?.(bytes)
    return { bytes, zero, blank: blank === undefined ? undefined : Number(blank) }
  }
}
