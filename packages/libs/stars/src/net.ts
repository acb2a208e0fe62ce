import { type Frame, MaskBit } from '@nightpipe/image'
import { allocate, handOver, lent, scoped, settle, type Typed } from '@nightpipe/kernels'
import type { Surface } from './surface.js'

/** Pixels with these bits tell nothing of the light that fell on them. */
export const UNUSABLE = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData

/** Rows of a call, and calls whose scratch memory there is at once. */
const ROWS = 128
const CALLS = 16

/** The image without its background, into `net` of kernel memory (which may be the pixels); NaN where nothing is known. */
export function subtractSurface(frame: Frame, level: Surface, net: Float32Array): void {
  const { width, height } = frame
  scoped(() => {
    const { first, weights, stride } = level.alongRow()
    for (let start = 0; start < height; start += CALLS * ROWS) {
      scoped(() => {
        for (let y = start; y < Math.min(height, start + CALLS * ROWS); y += ROWS) {
          const rows = Math.min(ROWS, height - y)
          const part = <T extends Typed>(array: T | undefined) => lentPart(array, y * width, rows * width)
          const [pixels, mask, error] = [part(frame.pixels)!, part(frame.mask), part(frame.error)]
          const lines = allocate(Float32Array, rows * 2 * level.columns)
          level.lines(y, y + rows, lines)
          handOver([
            ...(['netRows', pixels.byteOffset, mask?.byteOffset ?? 0, UNUSABLE, error?.byteOffset ?? 0] as const),
            ...([width, rows, lines.byteOffset, level.columns, first.byteOffset, weights.byteOffset] as const),
            ...([stride, allocate(Float32Array, stride).byteOffset, net.byteOffset + 4 * y * width] as const),
          ])
        }
        settle()
      })
    }
  })
}

/** A part of an array where there is one, in kernel memory: where it lies, or as a copy. */
export function lentPart<T extends Typed>(array: T | undefined, from: number, count: number): T | undefined {
  return array && lent(array.subarray(from, from + count) as T)
}
