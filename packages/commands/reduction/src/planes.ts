import { type Hdu, type Onlooker, readPixels, readStored, scalingOf } from '@nightpipe/fits'
import type { Section } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { RawFrame } from './frames.js'
import { type Layout, placeOf } from './master.js'

/** The planes of a frame while it is reduced, in kernel memory. */
export interface Planes {
  width: number
  height: number
  pixels: Float32Array
  error: Float32Array
  mask: Int16Array
}

/** Values of a plane that are worked on at once: with fewer, what is set up for each strip costs more than caches save. */
const STRIP_VALUES = 1 << 19

/** Pieces of the rows from `y0` to `y1`, as many rows each as are worked on at once. */
export function* strips(y0: number, y1: number, width: number): Generator<{ y: number; rows: number }> {
  const step = Math.max(1, Math.floor(STRIP_VALUES / width))
  for (let y = y0; y < y1; y += step) yield { y, rows: Math.min(step, y1 - y) }
}

/** Rows per strip at most: what scratch must have room for. */
export const stripRows = (width: number, height: number) =>
  Math.min(height, Math.max(1, Math.floor(STRIP_VALUES / width)))

/** A section of an image, row by row. */
function readSection(image: Hdu, { x0, y0, x1, y1 }: Section): Float32Array {
  const [width] = image.axes as [number]
  const columns = x1 - x0
  const values = new Float32Array(columns * (y1 - y0))
  scoped(() => {
    const scratch = allocate(Float32Array, stripRows(width, y1 - y0) * width)
    for (const { y, rows } of strips(y0, y1, width)) {
      const read = readPixels(image, { firstRow: y, rows, plane: 0, into: scratch })
      for (let k = 0; k < rows; k++) {
        values.set(read.subarray(k * width + x0, k * width + x1), (y - y0 + k) * columns)
      }
    }
  })
  return values
}

/**
 * Rows of an image that belongs to a frame (a master, a mask), laid out as the reduced frame is: overscans cut out of it
 * where it still has them. `into` is a strip of the reduced frame's width. An `onlooker` is shown the bytes of an image that
 * has none.
 */
export type AlignedReader = (firstRow: number, rows: number, into: Float32Array) => Float32Array

export function alignedReader(image: Hdu, frame: RawFrame, outWidth: number, onlooker?: Onlooker): AlignedReader {
  const [width, height] = image.axes as [number, number]
  const layout = placeOf({ width, height }, frame)
  if (!layout) throw new RangeError(`${width}x${height} is no size of ${frame.name}`)
  if (layout === 'trimmed') {
    return (firstRow, rows, into) => readPixels(image, { firstRow, rows, plane: 0, into, onlooker })
  }
  return (firstRow, rows, into) => {
    for (const part of partsOf(frame, layout, firstRow, rows)) {
      const values = readSection(image, part.from)
      const columns = part.from.x1 - part.from.x0
      for (let k = 0; k < part.from.y1 - part.from.y0; k++) {
        into.set(values.subarray(k * columns, (k + 1) * columns), (part.toY - firstRow + k) * outWidth + part.toX)
      }
    }
    return into.subarray(0, rows * outWidth)
  }
}

/** Which sections of an image of this layout make up rows of the reduced frame. */
function partsOf({ facts }: RawFrame, layout: Layout, firstRow: number, rows: number) {
  const [dx, dy] = layout === 'data' ? [facts.data.x0, facts.data.y0] : [0, 0]
  return facts.amplifiers.flatMap(({ data, place }) => {
    const y0 = Math.max(firstRow, place.y0)
    const y1 = Math.min(firstRow + rows, place.y1)
    if (y0 >= y1) return []
    const top = data.y0 - dy + y0 - place.y0
    return [{ from: { x0: data.x0 - dx, x1: data.x1 - dx, y0: top, y1: top + y1 - y0 }, toX: place.x0, toY: y0 }]
  })
}

/** Joins the bits of an image, from row `firstRow` on, to those of `mask`. All lie in kernel memory, `scratch` as large. */
type MaskJoiner = (firstRow: number, mask: Int16Array, scratch: Int16Array) => void

/** Of a mask that belongs to a frame; whatever is not 0 in an image of bad pixels is `bits`, when that is given. */
export function maskJoiner(image: Hdu, frame: RawFrame, outWidth: number, bits?: number): MaskJoiner {
  const [width, height] = image.axes as [number, number]
  const trimmed = placeOf({ width, height }, frame) === 'trimmed'
  const { scale, zero } = scalingOf(image)
  if (trimmed && bits === undefined && image.bitpix === 16 && scale === 1 && zero === 0) {
    return (firstRow, mask, scratch) => {
      const into = new Uint8Array(scratch.buffer, scratch.byteOffset, 2 * mask.length)
      readStored(image, { firstRow, rows: mask.length / outWidth, plane: 0, into })
      kernels().joinStoredMasks(mask.byteOffset, into.byteOffset, mask.length)
    }
  }
  const read = alignedReader(image, frame, outWidth)
  return (firstRow, mask, scratch) => {
    const values = read(firstRow, mask.length / outWidth, new Float32Array(mask.length))
    for (let p = 0; p < values.length; p++) scratch[p] = bits === undefined ? values[p] : values[p] !== 0 ? bits : 0
    kernels().joinMasks(mask.byteOffset, scratch.byteOffset, mask.length)
  }
}
