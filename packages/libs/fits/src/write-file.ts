import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { atomicTarget, explainSystemError } from '@nightpipe/files'
import { onesSum } from './checksum.js'
import { copyStored } from './copy-image.js'
import type { NewHdu } from './new-hdu.js'
import { formatHeader } from './new-header.js'
import { arrange, endOf, type PlannedHdu, planFile, planHdu } from './plan.js'
import { fileSink, putRows, type Sink, type StripImage } from './strip.js'

/** Writes a whole file: atomic, with DATASUM and CHECKSUM in every HDU. */
export function writeFits(path: string, hdus: readonly NewHdu[]): void {
  requirePixels(hdus)
  writeInto(path, (sink) => putAll(hdus, sink))
}

/**
 * The same without waiting for the disk: the pixels are written when the call returns, and the file appears under its name
 * when the promise is kept.
 */
export function writeFitsBehind(path: string, hdus: readonly NewHdu[]): Promise<void> {
  requirePixels(hdus)
  const target = atomicTarget(path)
  const undo = () => target.discard()
  explained(path, () => writePartial(target.partial, (sink) => putAll(hdus, sink)), undo)
  return target.commitBehind().catch((cause) => {
    undo()
    throw explainSystemError(cause, 'write', path)
  })
}

function putAll(hdus: readonly NewHdu[], sink: Sink): number {
  let at = 0
  // One after the other, so that only one compressed image is in memory.
  for (const { hdu, primary } of arrange(hdus)) at = putHdu(planHdu(hdu, primary, at), sink)
  return at
}

/** The bytes of a file. */
export function encodeFits(hdus: readonly NewHdu[]): Uint8Array {
  requirePixels(hdus)
  const plan = planFile(hdus)
  const file = new Uint8Array(plan.size)
  for (const hdu of plan.hdus) putHdu(hdu, (offset, bytes) => file.set(bytes, offset))
  return file
}

function requirePixels(hdus: readonly NewHdu[]): void {
  const bare = hdus.findIndex((hdu) => hdu.kind === 'image' && !hdu.pixels && !hdu.stored)
  if (bare >= 0) throw new RangeError(`HDU ${bare} is an image without pixels`)
}

/** A file made by `write`, which returns its size: it appears under its name when it is whole. */
export function writeInto(path: string, write: (sink: Sink) => number): void {
  const target = atomicTarget(path)
  const work = () => {
    writePartial(target.partial, write)
    target.commit()
  }
  explained(path, work, () => target.discard())
}

function writePartial(path: string, write: (sink: Sink) => number): void {
  const fd = openSync(path, 'wx')
  try {
    ftruncateSync(fd, write(fileSink(fd)))
  } finally {
    closeSync(fd)
  }
}

/** HDUs behind those of a file; returns the size that it has then. */
export function append(extra: readonly NewHdu[], at: number, sink: Sink): number {
  requirePixels(extra)
  return extra.reduce((start, hdu) => putHdu(planHdu(hdu, false, start), sink), at)
}

/** Puts a header with its sums, and the data; returns where the next HDU begins. */
export function putHdu(hdu: PlannedHdu, sink: Sink): number {
  const sum = putData(hdu, sink)
  putHeader(hdu, sum, sink)
  return endOf(hdu)
}

export function putHeader(hdu: PlannedHdu, sum: number, sink: Sink): void {
  sink(hdu.headerStart, formatHeader(hdu.cards, sum, hdu.headerBytes))
}

/** The data that are known; returns their sum. Rows that are to come count nothing yet. */
export function putData(hdu: PlannedHdu, sink: Sink): number {
  const source = hdu.image?.source
  const image = stripImage(hdu)
  if (image && source?.stored) return copyStored(image, source.stored, sink)
  if (image && source?.pixels) return source.pixels.length === 0 ? 0 : putRows(image, 0, source.pixels, sink)
  if (!hdu.bytes) return 0
  sink(hdu.dataStart, hdu.bytes)
  return onesSum(hdu.bytes)
}

export function stripImage({ image, dataStart }: PlannedHdu): StripImage | undefined {
  return image && { coding: image.coding, dataStart, width: image.width, rows: image.rows }
}

/** A full disk or a forbidden folder is the user's to mend, and says so in one line; what was begun is removed. */
export function explained<T>(path: string, work: () => T, undo?: () => void): T {
  try {
    return work()
  } catch (cause) {
    undo?.()
    throw explainSystemError(cause, 'write', path)
  }
}
