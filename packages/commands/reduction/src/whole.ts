import { runMemory, watchWholeAndDigest } from '@nightpipe/command'
import { type Hdu, type Onlooker, requireWhole, type Watch, watchWhole } from '@nightpipe/fits'
import { placeOf } from './master.js'
import type { ReductionJob } from './plan.js'
import type { Planes } from './planes.js'
import { type RawRead, readRaw } from './read-raw.js'

/** Whether the data of the files that this thread has read agree with their DATASUM. */
const seen = runMemory<string, boolean>()

/** Damaged data are refused; masters, which serve many frames, are looked through once in each thread. */
export function requireWholeOnce(path: string, image: Hdu): void {
  if (!seen.has(path)) seen.set(path, requireWhole(image))
}

/**
 * The same while the pixels are read, where that is once and in their order; what is returned is to be shown them, and the
 * `watches` are to be ended when it was. Of several amplifiers each reads its own part: then they are read beforehand.
 */
export function lookThrough(
  path: string,
  image: Hdu,
  { frame }: ReductionJob,
  watches: Map<string, Watch>,
): Onlooker | undefined {
  const [width, height] = image.axes as [number, number]
  const once = frame.facts.amplifiers.length === 1 && placeOf({ width, height }, frame) === 'trimmed'
  if (seen.has(path) || watches.has(path)) return undefined
  const watch = watchWhole(image)
  if (once && watch.see) watches.set(path, watch)
  else seen.set(path, watch.end())
  return once ? watch.see : undefined
}

/** The raw frame is looked through, and digested, while it is read. */
export function readWhole(image: Hdu, { frame }: ReductionJob, planes: Planes, findRail: boolean): RawRead {
  const watch = seen.has(frame.path) ? undefined : watchWholeAndDigest(frame.path, image)
  if (watch && !watch.see) seen.set(frame.path, watch.end())
  const read = readRaw(image, frame, planes, findRail, watch?.see)
  if (watch?.see) seen.set(frame.path, watch.end())
  return read
}

/** The same for a raw frame whose rows are read in their order later, and are to be shown to what is returned. */
export function watchRaw(image: Hdu, { frame }: ReductionJob, watches: Map<string, Watch>): Onlooker | undefined {
  if (seen.has(frame.path)) return undefined
  const watch = watchWholeAndDigest(frame.path, image)
  watches.set(frame.path, watch)
  return watch.see
}

/** What became of the watches of a frame, once its masters were read. */
export function endWatches(watches: ReadonlyMap<string, Watch>): void {
  for (const [path, watch] of watches) seen.set(path, watch.end())
}

/** Whether the data of a file read before agree with their DATASUM. */
export const agreedWithItsSum = (path: string) => seen.get(path) !== false
