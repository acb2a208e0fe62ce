import { closeSync, fdatasync, ftruncateSync, openSync } from 'node:fs'
import { type AtomicTarget, atomicTarget } from '@nightpipe/files'
import { addSums } from './checksum.js'
import { type CardValue, copyHeader, findCard, setCard } from './header.js'
import type { NewHdu, PixelArray } from './new-hdu.js'
import { type FilePlan, planFile } from './plan.js'
import { repack, waitsForRows } from './repack.js'
import { fileSink, putRows, type Sink, type StripPlan } from './strip.js'
import { append, explained, putData, putHeader, stripImage, writeInto } from './write-file.js'

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
  /** Sets the disk to work on what is written, and returns at once: for those who have other work before `finish`. */
  flushAhead(): void
  /** Writes headers and sums, appends more HDUs, flushes and renames. */
  finish(extra?: readonly NewHdu[]): void
  /** Removes what was written; harmless after `finish`. */
  discard(): void
}

/**
 * Starts a file whose images come by strips, from one thread or several. Every row must be written once: the sums count
 * what was written. Images to be compressed stay uncompressed beside the target until `finish`.
 */
export function createFits(path: string, hdus: readonly NewHdu[]): FitsWriter {
  const { plan, strips, sums, fd, sink, target, close, discard } = start(path, hdus)
  const addSum = (hduIndex: number, sum: number) => {
    const place = plan.places[hduIndex]!
    sums[place] = addSums(sums[place]!, sum)
  }
  return {
    plan: strips,
    addSum,
    discard,
    setCard: (hduIndex, keyword, value) => replaceCard(plan, hduIndex, keyword, value),
    writeRows(hduIndex, firstRow, pixels) {
      const image = strips.images[hduIndex]
      if (!image) throw new RangeError(`HDU ${hduIndex} is not an image to be written by rows`)
      explained(path, () => addSum(hduIndex, putRows(image, firstRow, pixels, sink)), discard)
    },
    // What goes wrong shows when the file is flushed as a whole.
    flushAhead: () => fdatasync(fd, () => {}),
    finish(extra = []) {
      const work = () => {
        if (plan.hdus.some(waitsForRows)) {
          // The file as it was written is only the source of the one that stays.
          writeInto(path, (out) => append(extra, repack(plan, sums, fd, out), out))
          discard()
          return
        }
        plan.hdus.forEach((hdu, k) => {
          putHeader(hdu, sums[k]!, sink)
        })
        ftruncateSync(fd, append(extra, plan.size, sink))
        close()
        target.commit()
      }
      explained(path, work, discard)
    },
  }
}

interface Started {
  plan: FilePlan
  strips: StripPlan
  sums: number[]
  fd: number
  sink: Sink
  target: AtomicTarget
  close(): void
  discard(): void
}

/** Opens the partial file, gives it its size and writes the data that are known. */
function start(path: string, hdus: readonly NewHdu[]): Started {
  const plan = planFile(hdus)
  const target = atomicTarget(path)
  const fd = explained(
    path,
    () => openSync(target.partial, 'wx+'),
    () => target.discard(),
  )
  let open = true
  const close = () => {
    if (open) closeSync(fd)
    open = false
  }
  const discard = () => {
    close()
    target.discard()
  }
  const sink = fileSink(fd)
  const fill = () => {
    ftruncateSync(fd, plan.size)
    return plan.hdus.map((hdu) => putData(hdu, sink))
  }
  const sums = explained(path, fill, discard)
  const images = plan.places.map((place) => {
    const planned = plan.hdus[place]!
    return planned.image?.source.pixels || planned.image?.source.stored ? undefined : stripImage(planned)
  })
  return { plan, strips: { path: target.partial, target: path, images }, sums, fd, sink, target, close, discard }
}

function replaceCard(plan: FilePlan, hduIndex: number, keyword: string, value: CardValue): void {
  const hdu = plan.hdus[plan.places[hduIndex]!]!
  if (!findCard(hdu, keyword)) throw new RangeError(`HDU ${hduIndex} has no card ${keyword} to set`)
  hdu.cards = copyHeader(hdu).cards
  setCard(hdu, keyword, value)
}
