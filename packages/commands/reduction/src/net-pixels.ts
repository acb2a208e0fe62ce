import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { Reading } from './detector.js'
import type { Open } from './opened.js'
import type { ReductionJob } from './plan.js'
import { alignedReader, type Planes, stripRows, strips } from './planes.js'

/** Raw pixels of an amplifier to net ones, in place: overscan and bias off, saturation marked. */
export function takeBiasOff(
  { width, pixels, mask }: Planes,
  { amplifier, overscan }: Reading,
  bias: Open | undefined,
  { frame }: ReductionJob,
  saturation: number,
): void {
  const { place } = amplifier
  const columns = place.x1 - place.x0
  scoped(() => {
    const most = stripRows(width, place.y1 - place.y0)
    const biasRows = bias && allocate(Float32Array, most * width)
    const readBias = bias && (bias.quiet?.pixels ?? alignedReader(bias.image, frame, width, bias.see))
    const pedestal = allocate(Float32Array, most)
    const across = overscan?.columns && allocate(Float32Array, columns)
    if (across) across.set(overscan.columns!)
    for (const { y, rows } of strips(place.y0, place.y1, width)) {
      if (biasRows) readBias!(y, rows, biasRows)
      // a level for each column already holds the level as a whole
      const level = overscan && !across ? overscan.level : 0
      for (let k = 0; k < rows; k++) pedestal[k] = overscan?.rows ? overscan.rows[y - place.y0 + k] : level
      const at = y * width + place.x0
      kernels().netStrip(
        ...([pixels.byteOffset + 4 * at, width, 0, columns, rows, width, pedestal.byteOffset] as const),
        ...([across?.byteOffset ?? 0, biasRows ? biasRows.byteOffset + 4 * place.x0 : 0, saturation] as const),
        ...([pixels.byteOffset + 4 * at, mask.byteOffset + 2 * at] as const),
      )
    }
  })
}

/** The expected signal of an amplifier's pixels, net ADU, into the error plane. */
export function expectSignal({ width, pixels, error }: Planes, { amplifier, gain, readNoise }: Reading): void {
  const { x0, y0, x1, y1 } = amplifier.place
  scoped(() => {
    const scratch = allocate(Float32Array, 15 * (x1 - x0 + 16))
    const pivot = medianOfSome(pixels, width, amplifier.place)
    for (const { y, rows } of strips(y0, y1, width)) {
      kernels().expectedSignal(
        ...([pixels.byteOffset, width, x0, y0, x1, y1, y, y + rows] as const),
        ...([pivot, (readNoise / gain) ** 2, 1 / gain, scratch.byteOffset, error.byteOffset] as const),
      )
    }
  })
}

/** A level near that of most pixels of a section. */
function medianOfSome(pixels: Float32Array, width: number, { x0, y0, x1, y1 }: Reading['amplifier']['place']): number {
  const values: number[] = []
  const step = Math.max(1, Math.floor(Math.sqrt(((x1 - x0) * (y1 - y0)) / 1000)))
  for (let y = y0; y < y1; y += step) {
    for (let x = x0; x < x1; x += step) if (Number.isFinite(pixels[y * width + x])) values.push(pixels[y * width + x])
  }
  values.sort((a, b) => a - b)
  return values[values.length >> 1] ?? 0
}
