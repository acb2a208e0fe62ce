import { allocate, kernels } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, median } from '@nightpipe/math'

/** The limits of [mask]. */
export interface MaskRules {
  hot: number
  deviant: number
  dead: number
  low: number
}

/** How many pixels were flagged, by kind; hot ones are among the bad ones. */
export interface Flagged {
  bad: number
  hot: number
  low: number
  noData: number
}

/** All arrays in kernel memory. */
interface Strip {
  type: string
  pixels: Float32Array
  count: Int16Array
  columns: number
  rules: MaskRules
}

/** Columns over which the surroundings of a pixel are taken: glow and vignetting are smooth over as many. */
const SEGMENT = 64
/** Values that the level of a segment is taken from: a median to a tenth of the scatter. */
const LOOKED_AT = 128

/**
 * The mask of a strip of a master, added to the bits that `mask` holds. A pixel is judged against its surroundings, the
 * strip over 64 columns: a dark pixel far above is hot, a bias pixel far off is bad, a flat pixel far below is dead or
 * of low response.
 */
export function flagPixels({ type, pixels, count, columns, rules }: Strip, mask: Int16Array, flagged: Flagged): void {
  const rows = pixels.length / columns
  const segments = Math.ceil(columns / SEGMENT)
  const bounds = allocate(Float32Array, 3 * segments)
  const counts = allocate(Int32Array, 4).fill(0)
  const { levels, sigma } = surroundings(pixels, columns, rows, segments)
  for (let s = 0; s < segments; s++) bounds.set(boundsOf(type, levels[s], sigma, rules), 3 * s)
  const addresses = [bounds, mask, counts].map((array) => array.byteOffset) as [number, number, number]
  kernels().flagStrip(pixels.byteOffset, count.byteOffset, columns, rows, SEGMENT, ...addresses)
  flagged.bad += counts[0]
  if (type === 'dark') flagged.hot += counts[1]
  flagged.low += counts[2]
  flagged.noData += counts[3]
}

/** Lowest and highest good value, and the lowest of full response. */
function boundsOf(type: string, level: number, sigma: number, rules: MaskRules): [number, number, number] {
  const none = Number.NEGATIVE_INFINITY
  if (Number.isNaN(level)) return [none, Number.POSITIVE_INFINITY, none]
  if (type === 'dark') return [none, level + rules.hot * sigma, none]
  if (type === 'flat')
    return [Math.max(rules.dead * level, Number.MIN_VALUE), Number.POSITIVE_INFINITY, rules.low * level]
  return [level - rules.deviant * sigma, level + rules.deviant * sigma, none]
}

/** The median of each segment, and the median of their robust scatters. */
function surroundings(
  pixels: Float32Array,
  columns: number,
  rows: number,
  segments: number,
): { levels: Float64Array; sigma: number } {
  const levels = new Float64Array(segments)
  const scatters = new Float64Array(segments)
  const box = new Float64Array(rows * SEGMENT)
  let judged = 0
  for (let s = 0; s < segments; s++) {
    const x0 = s * SEGMENT
    const width = Math.min(columns - x0, SEGMENT)
    // Every so-manyth pixel, a step that does not line up with the columns.
    const step = Math.max(1, Math.floor((width * rows) / LOOKED_AT)) | 1
    let n = 0
    for (let k = 0; k < width * rows; k += step) {
      const value = pixels[Math.floor(k / width) * columns + x0 + (k % width)]
      if (Number.isFinite(value)) box[n++] = value
    }
    levels[s] = n > 0 ? median(box, n) : Number.NaN
    for (let k = 0; k < n; k++) box[k] = Math.abs(box[k] - levels[s])
    if (n > 1) scatters[judged++] = MAD_TO_SIGMA * median(box, n)
  }
  return { levels, sigma: judged > 0 ? median(scatters, judged) : 0 }
}
