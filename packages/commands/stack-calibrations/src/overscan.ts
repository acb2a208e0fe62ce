import { readPixels } from '@nightpipe/fits'
import { smoothedWell } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { mean, robustStatistics } from '@nightpipe/math'
import type { Amplifier, Geometry } from './geometry.js'
import { neighbourNoise } from './measure.js'
import { type Source, sourceImage } from './source.js'

/** What lies under the signal of one amplifier: a level, or one for each row of its data. */
export interface Pedestal {
  level: number
  rows?: Float32Array
}

export type OverscanMethod = 'rows' | 'median' | 'mean' | 'none'

/** Rows of a frame that are read at once for their overscan. */
const ROWS_AT_ONCE = 64

/** The pedestal of every amplifier of a frame. */
export function pedestalsOf(source: Source, geometry: Geometry, method: OverscanMethod, smooth: number): Pedestal[] {
  const { amplifiers } = geometry
  if (method === 'none' || amplifiers.every(({ overscan }) => !overscan)) return amplifiers.map(() => ({ level: 0 }))
  return scoped(() => {
    const strips = readOverscans(source, geometry)
    return amplifiers.map((amplifier, k) => pedestalOf(amplifier, strips[k], method, smooth))
  })
}

/** The overscan of each amplifier, whole, in kernel memory; empty where there is none. */
function readOverscans(source: Source, { amplifiers, rawWidth }: Geometry): Float32Array[] {
  const sections = amplifiers.map(({ overscan }) => overscan ?? { x0: 0, x1: 0, y0: 0, y1: 0 })
  const strips = sections.map(({ x0, x1, y0, y1 }) => allocate(Float32Array, (x1 - x0) * (y1 - y0)))
  const image = sourceImage(source)
  const block = allocate(Float32Array, ROWS_AT_ONCE * rawWidth)
  const first = Math.min(...sections.filter(({ y1 }) => y1 > 0).map(({ y0 }) => y0))
  const last = Math.max(...sections.map(({ y1 }) => y1))
  for (let y = first; y < last; y += ROWS_AT_ONCE) {
    const rows = Math.min(ROWS_AT_ONCE, last - y)
    readPixels(image, { firstRow: y, rows, plane: 0, into: block })
    for (const [k, { x0, x1, y0, y1 }] of sections.entries()) {
      for (let row = Math.max(y, y0); row < Math.min(y + rows, y1); row++) {
        const from = (row - y) * rawWidth
        strips[k].set(block.subarray(from + x0, from + x1), (row - y0) * (x1 - x0))
      }
    }
  }
  return strips
}

function pedestalOf(
  { data, overscan }: Amplifier,
  strip: Float32Array,
  method: OverscanMethod,
  smooth: number,
): Pedestal {
  if (!overscan) return { level: 0 }
  const besideData = overscan.y0 <= data.y0 && overscan.y1 >= data.y1
  if (method === 'mean') return { level: mean(strip) }
  if (method === 'median' || !besideData) return { level: robustStatistics(strip).mean }
  const columns = overscan.x1 - overscan.x0
  const count = strip.length / columns
  const levels = allocate(Float32Array, count)
  const scratch = allocate(Float32Array, 2 * columns)
  kernels().rowLevels(strip.byteOffset, columns, count, levels.byteOffset, scratch.byteOffset)
  const noise = neighbourNoise(strip, columns) / Math.sqrt(columns)
  const { rows } = smoothedWell(levels.slice(data.y0 - overscan.y0, data.y1 - overscan.y0), smooth, noise)
  return { level: mean(rows), rows }
}
