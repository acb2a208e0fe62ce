import { type Frame, MaskBit } from '@nightpipe/image'
import { allocate, inKernelMemory, kernels, scoped, type Typed } from '@nightpipe/kernels'
import type { Surface } from './surface.js'

/** Pixels with these bits tell nothing of the light that fell on them. */
export const UNUSABLE = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData

const ROWS = 128

/** The image without its background, into `net` (which may be the pixels themselves); NaN where nothing is known. */
export function subtractSurface(frame: Frame, level: Surface, net: Float32Array): void {
  const { width, height } = frame
  scoped(() => {
    const { first, weights, stride } = level.alongRow()
    const lines = allocate(Float32Array, ROWS * 2 * level.columns)
    const row = allocate(Float32Array, stride)
    for (let y = 0; y < height; y += ROWS) {
      const rows = Math.min(ROWS, height - y)
      level.lines(y, y + rows, lines)
      scoped(() => {
        const part = <T extends Typed>(array: T | undefined) => lent(array, y * width, rows * width)
        const [pixels, mask, error] = [part(frame.pixels)!, part(frame.mask), part(frame.error)]
        const target = inKernelMemory(net) ? net.byteOffset + 4 * y * width : pixels.byteOffset
        kernels().netRows(
          ...([pixels.byteOffset, mask?.byteOffset ?? 0, UNUSABLE, error?.byteOffset ?? 0, width, rows] as const),
          ...([lines.byteOffset, level.columns, first.byteOffset, weights.byteOffset, stride] as const),
          ...([row.byteOffset, target] as const),
        )
        if (target === pixels.byteOffset && !inKernelMemory(net)) net.set(pixels, y * width)
      })
    }
  })
}

/** An array, or a part of it, in kernel memory: where it lies, or as a copy. */
export function lent<T extends Typed>(
  array: T | undefined,
  from = 0,
  count = (array?.length ?? 0) - from,
): T | undefined {
  if (!array) return undefined
  const part = array.subarray(from, from + count) as T
  if (inKernelMemory(array)) return part
  const copy = allocate(array.constructor as never, count) as T
  copy.set(part as never)
  return copy
}
