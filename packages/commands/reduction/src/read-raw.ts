import { type Hdu, type Onlooker, readPixels } from '@nightpipe/fits'
import { railOf } from '@nightpipe/image'
import { allocate, scoped } from '@nightpipe/kernels'
import type { Amplifier } from './detector.js'
import type { RawFrame } from './frames.js'
import { type Planes, stripRows, strips } from './planes.js'

/** What was found while a raw frame was read. */
export interface RawRead {
  /** The overscan of each amplifier, row by row; undefined where it has none. */
  overscans: (Float32Array | undefined)[]
  /** The top count of the converter, when pixels stand at it; looked for only when asked. */
  rail?: number
}

/**
 * Reads a raw frame once: the light-sensitive part of each amplifier goes to its place in the pixels of the planes, its
 * overscan into an array of its own. An `onlooker` is shown the bytes of the file.
 */
export function readRaw(
  image: Hdu,
  { width, height, facts }: RawFrame,
  planes: Planes,
  findRail: boolean,
  onlooker?: Onlooker,
): RawRead {
  const { amplifiers } = facts
  const overscans = amplifiers.map(({ overscan: o }) => o && new Float32Array((o.x1 - o.x0) * (o.y1 - o.y0)))
  const tops: number[] = []
  const direct = isImage(amplifiers, width, height)
  scoped(() => {
    const scratch = direct ? undefined : allocate(Float32Array, stripRows(width, height) * width)
    for (const { y, rows } of strips(0, height, width)) {
      const into = scratch ?? (planes.pixels.subarray(y * width, (y + rows) * width) as Float32Array)
      const strip = { values: readPixels(image, { firstRow: y, rows, plane: 0, into, onlooker }), width, y, rows }
      for (const [k, { data, place, overscan }] of direct ? [] : amplifiers.entries()) {
        copyRows(strip, data, planes.pixels, planes.width, place.x0, place.y0)
        if (overscan) copyRows(strip, overscan, overscans[k]!, overscan.x1 - overscan.x0, 0, 0)
      }
      if (findRail) tops.push(...railCount(strip.values))
    }
  })
  return { overscans, rail: findRail ? railOf(Float32Array.from(tops)) : undefined }
}

/** All of the frame is the light-sensitive part of its one amplifier. */
export function isImage(amplifiers: readonly Amplifier[], width: number, height: number): boolean {
  const [{ data, place, overscan }] = amplifiers
  const corners = [data.x0, data.y0, place.x0, place.y0, width - data.x1, height - data.y1]
  return amplifiers.length === 1 && !overscan && corners.every((d) => d === 0)
}

interface Strip {
  values: Float32Array
  width: number
  y: number
  rows: number
}

/** The rows of a section that a strip has, to their place in another plane, whose pixel (toX, toY) is its first. */
function copyRows(strip: Strip, from: Amplifier['data'], to: Float32Array, width: number, toX: number, toY: number) {
  const last = Math.min(from.y1, strip.y + strip.rows)
  for (let y = Math.max(from.y0, strip.y); y < last; y++) {
    const start = (y - strip.y) * strip.width
    to.set(strip.values.subarray(start + from.x0, start + from.x1), (toY + y - from.y0) * width + toX)
  }
}

/** The largest value of a strip, as often as it occurs, at most three times. */
function railCount(values: Float32Array): number[] {
  let top = Number.NEGATIVE_INFINITY
  let count = 0
  for (let p = 0; p < values.length; p++) {
    if (values[p] > top) {
      top = values[p]
      count = 1
    } else if (values[p] === top) count++
  }
  return new Array(Math.min(3, count)).fill(top)
}
