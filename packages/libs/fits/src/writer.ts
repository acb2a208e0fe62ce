import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { atomicTarget, explainSystemError } from '@nightpipe/files'
import { addSums, onesSum } from './checksum.js'
import { type CardValue, setCard } from './header.js'
import type { NewHdu, PixelArray } from './new-hdu.js'
import { formatHeader } from './new-header.js'
import { type FilePlan, type PlannedHdu, planFile } from './plan.js'
import { repack, waitsForRows } from './repack.js'
import { fileSink, putRows, type Sink, type StripImage, type StripPlan } from './strip.js'

/** A file in the making. Nothing is seen under its name before `finish`. */
export interface FitsWriter {
  /** For `writeStrip` in worker threads. */
  readonly plan: StripPlan
  /** Writes whole rows of physical values, and counts their sum. */
  writeRows(hduIndex: number, firstRow: number, pixels: PixelArray): void
  /** Gives a card that the header already has another value. */
  setCard(hduIndex: number, keyword: string, value: CardValue): void
  /** Counts what `writeStrip` returned. */
  addSum(hduIndex: number, sum: number): void
  /** Writes headers and sums, appends more HDUs, flushes and renames. */
  finish(extra?: readonly NewHdu[]): void
  /** Removes what was written; harmless after `finish`. */
  discard(): void
}

/**
 * Starts a file whose images come by strips, from one thread or several. Every row must be written once: the sums count
 * what was written.
 */
export function createFits(path: string, hdus: readonly NewHdu[]): FitsWriter {
  const plan = planFile(hdus)
  const target = atomicTarget(path)
  const sums = new Array<number>(plan.hdus.length).fill(0)
  const images = plan.places.map((place) => stripImage(plan.hdus[place]!))
  const strips: StripPlan = { path: target.partial, images }
  const fd = explained(path, () => openSync(target.partial, 'wx+'))
  let open = true
  const sink = fileSink(fd)
  const add = (place: number, sum: number) => {
    sums[place] = addSums(sums[place]!, sum)
  }
  const close = () => {
    if (open) closeSync(fd)
    open = false
  }
  const discard = () => {
    close()
    target.discard()
  }
  const guarded = <T>(work: () => T): T => explained(path, work, discard)
  guarded(() => {
    ftruncateSync(fd, plan.size)
    plan.hdus.forEach((hdu, place) => {
      add(place, putData(hdu, sink))
    })
  })
  return {
    plan: strips,
    writeRows(hduIndex, firstRow, pixels) {
      const image = images[hduIndex]
      if (!image) throw new RangeError(`HDU ${hduIndex} is not an image to be written by rows`)
      guarded(() => add(plan.places[hduIndex]!, putRows(image, firstRow, pixels, sink)))
    },
    setCard: (hduIndex, keyword, value) => replaceCard(plan, hduIndex, keyword, value),
    addSum: (hduIndex, sum) => add(plan.places[hduIndex]!, sum),
    finish(extra = []) {
      if (plan.hdus.some(waitsForRows)) {
        guarded(() => finishPacked(path, plan, sums, fd, extra))
        discard()
        return
      }
      guarded(() => {
        putHeaders(plan, sums, sink)
        if (extra.length > 0) putAll(planFile(extra, plan.size, false), sink, (size) => ftruncateSync(fd, size))
        close()
        target.commit()
      })
    },
    discard,
  }
}

/** The file as it was written is only the source of the one that stays. */
function finishPacked(path: string, plan: FilePlan, sums: number[], fd: number, extra: readonly NewHdu[]): void {
  const target = atomicTarget(path)
  try {
    const out = openSync(target.partial, 'wx')
    try {
      const sink = fileSink(out)
      const size = repack(plan, sums, fd, sink)
      if (extra.length > 0) putAll(planFile(extra, size, false), sink, (all) => ftruncateSync(out, all))
    } finally {
      closeSync(out)
    }
    target.commit()
  } catch (cause) {
    target.discard()
    throw cause
  }
}

function stripImage({ image, dataStart }: PlannedHdu): StripImage | undefined {
  if (!image || image.source.pixels) return undefined
  return { coding: image.coding, dataStart, width: image.width, rows: image.rows }
}

/** The data that are known from the start; rows that are to come count nothing yet. */
function putData(hdu: PlannedHdu, sink: Sink): number {
  const { image, dataStart } = hdu
  if (image?.source.pixels) {
    if (image.source.pixels.length === 0) return 0
    return putRows(
      { coding: image.coding, dataStart, width: image.width, rows: image.rows },
      0,
      image.source.pixels,
      sink,
    )
  }
  if (!hdu.bytes) return 0
  sink(dataStart, hdu.bytes)
  return onesSum(hdu.bytes)
}

function putHeaders(plan: FilePlan, sums: readonly number[], sink: Sink): void {
  plan.hdus.forEach((hdu, k) => {
    sink(hdu.headerStart, formatHeader(hdu.cards, sums[k]!, hdu.headerBytes))
  })
}

/** A whole plan at once; `resize` makes room, zeros filling the blocks. */
function putAll(plan: FilePlan, sink: Sink, resize: (size: number) => void): void {
  for (const { image } of plan.hdus) if (image && !image.source.pixels) throw new RangeError('an image without pixels')
  resize(plan.size)
  putHeaders(
    plan,
    plan.hdus.map((hdu) => putData(hdu, sink)),
    sink,
  )
}

function replaceCard(plan: FilePlan, hduIndex: number, keyword: string, value: CardValue): void {
  const hdu = plan.hdus[plan.places[hduIndex]!]!
  if (!hdu.cards.some((one) => one.keyword === keyword.toUpperCase())) {
    throw new RangeError(`HDU ${hduIndex} has no card ${keyword} to set`)
  }
  hdu.cards = hdu.cards.map((one) => ({ ...one }))
  setCard({ cards: hdu.cards }, keyword, value)
}

/** Whole files at once: atomic, with DATASUM and CHECKSUM in every HDU. */
export function writeFits(path: string, hdus: readonly NewHdu[]): void {
  requirePixels(hdus)
  createFits(path, hdus).finish()
}

/** The bytes of a file. */
export function encodeFits(hdus: readonly NewHdu[]): Uint8Array {
  requirePixels(hdus)
  let file = new Uint8Array(0)
  const sink: Sink = (offset, bytes) => file.set(bytes, offset)
  putAll(planFile(hdus), sink, (size) => {
    file = new Uint8Array(size)
  })
  return file
}

function requirePixels(hdus: readonly NewHdu[]): void {
  const bare = hdus.findIndex((hdu) => hdu.kind === 'image' && !hdu.pixels)
  if (bare >= 0) throw new RangeError(`HDU ${bare} is an image without pixels`)
}

/** A full disk or a forbidden folder is the user's to mend, and says so in one line; what was begun is removed. */
function explained<T>(path: string, work: () => T, undo?: () => void): T {
  try {
    return work()
  } catch (cause) {
    undo?.()
    throw explainSystemError(cause, 'write', path)
  }
}
