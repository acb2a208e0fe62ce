import { closeSync, openSync, readSync } from 'node:fs'
import type { Tools } from '@nightpipe/command'
import { type FitsWriter, type StripPlan, writeStrip } from '@nightpipe/fits'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { median } from '@nightpipe/math'
import type { Tally } from './master-facts.js'

export interface CollectArgs {
  plan: StripPlan
  width: number
  first: number
  rows: number
  low: number
  high: number
}

export interface RescaleArgs {
  plan: StripPlan
  width: number
  first: number
  rows: number
  factor: number
}

/**
 * Divides a flat that was written, and its errors, by its median, exactly: the levels that its frames were divided by come
 * from a sample of their pixels. Counts the sums of both planes, and brings the tally up to date.
 */
export async function normalise(
  writer: FitsWriter,
  width: number,
  blocks: readonly { first: number; rows: number }[],
  tally: Tally,
  tools: Pick<Tools, 'map'>,
): Promise<void> {
  const { plan } = writer
  const { low, high } = tally.bin
  const edge = high - low // values at the edge of the bin may have been counted on either side
  const collect = blocks.map(({ first, rows }) => ({ plan, width, first, rows, low: low - edge, high: high + edge }))
  const parts = await tools.map<CollectArgs, Collected>('collectNear', collect)
  const level = exactMedian(parts, tally)
  const factor = 1 / level
  const rescale = blocks.map(({ first, rows }): RescaleArgs => ({ plan, width, first, rows, factor }))
  for (const sums of await tools.map<RescaleArgs, number[]>('rescaleRows', rescale)) {
    for (const [k, sum] of sums.entries()) writer.addSum(k, sum)
  }
  tally.facts.mean *= factor
  tally.facts.rms *= factor
  tally.facts.median = 1
}

function exactMedian(parts: readonly Collected[], { good, facts }: Tally): number {
  const below = parts.reduce((sum, part) => sum + part.below, 0)
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0))
  let n = 0
  for (const part of parts) {
    values.set(part.values, n)
    n += part.values.length
  }
  // The rest of the values are below or above: cut as many as to have the middle one in the middle.
  const sorted = values.sort()
  const [lower, upper] = [((good - 1) >> 1) - below, (good >> 1) - below]
  if (lower < 0 || upper >= n) return facts.median
  return median(Float64Array.of(sorted[lower], sorted[upper]))
}

export interface Collected {
  below: number
  values: Float32Array
}

/** The good pixels of some rows of a flat in the making whose values are within bounds, and how many are below. */
export function collectNear({ plan, width, first, rows, low, high }: CollectArgs): Collected {
  return scoped(() => {
    const n = rows * width
    const pixels = readWritten(plan, 0, first, n)
    const mask = allocate(Int16Array, n)
    readBytes(plan, 2, first, new Uint8Array(mask.buffer, mask.byteOffset, 2 * n))
    const inside = allocate(Float32Array, n + 4)
    const below = allocate(Int32Array, 1)
    const [at, maskAt, insideAt, belowAt] = [pixels, mask, inside, below].map((array) => array.byteOffset)
    const count = kernels().collectBetween(at, maskAt, n, low, high, insideAt, belowAt)
    return { below: below[0], values: new Float32Array(inside.subarray(0, count)) }
  })
}

/** Image and errors of some rows, multiplied. Returns their sums. */
export function rescaleRows({ plan, width, first, rows, factor }: RescaleArgs): number[] {
  return [0, 1].map((plane) =>
    scoped(() => writeStrip(plan, plane, first, readWritten(plan, plane, first, rows * width, factor))),
  )
}

/** Floats of a file in the making, which has no headers yet. */
function readWritten(plan: StripPlan, plane: number, first: number, n: number, factor = 1): Float32Array {
  const bytes = allocate(Uint8Array, 4 * n)
  readBytes(plan, plane, first, bytes)
  const pixels = allocate(Float32Array, n)
  kernels().floatsFromFloats(bytes.byteOffset, pixels.byteOffset, n, factor, 0)
  return pixels
}

function readBytes({ path, images }: StripPlan, plane: number, first: number, into: Uint8Array): void {
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
