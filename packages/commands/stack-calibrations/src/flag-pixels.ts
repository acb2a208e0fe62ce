import { allocate, kernels } from '@nightpipe/kernels'
import { median } from '@nightpipe/math'

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
  error: Float32Array
  count: Int16Array
  columns: number
  rules: MaskRules
  /** Variance that a unit of the master's level brings into one frame; 0: none. */
  variancePerUnit: number
}

/** Columns over which the surroundings of a pixel are taken: glow and vignetting are smooth over as many. */
const SEGMENT = 64
/** Values that the level of a segment is taken from: a median to a sixth of the scatter. */
const LOOKED_AT = 64

/**
 * The mask of a strip of a master, added to the bits that `mask` holds. A pixel is judged against its surroundings, the
 * strip over 64 columns: a dark pixel far above is hot, a bias pixel far off is bad, a flat pixel far below is dead or
 * of low response. The same surroundings say how many photons a pixel's error is made of.
 */
export function flagPixels(strip: Strip, mask: Int16Array): Flagged {
  const { type, pixels, error, count, columns, rules, variancePerUnit } = strip
  const rows = pixels.length / columns
  const segments = Math.ceil(columns / SEGMENT)
  const levels = allocate(Float32Array, segments)
  const scatters = allocate(Float32Array, segments)
  const scratch = allocate(Float32Array, 2 * LOOKED_AT + SEGMENT)
  const [at, levelsAt, scattersAt, scratchAt] = [pixels, levels, scatters, scratch].map((a) => a.byteOffset)
  kernels().surroundings(at, columns, rows, SEGMENT, LOOKED_AT, levelsAt, scattersAt, scratchAt)
  if (variancePerUnit > 0) {
    const unit = [SEGMENT, levelsAt, variancePerUnit] as const
    kernels().evenErrors(error.byteOffset, at, count.byteOffset, columns, rows, ...unit)
  }
  const known = Float64Array.from(scatters.filter((v) => !Number.isNaN(v)))
  const sigma = known.length > 0 ? median(known) : 0
  const bounds = allocate(Float32Array, 3 * segments)
  for (let s = 0; s < segments; s++) bounds.set(boundsOf(type, levels[s], sigma, rules), 3 * s)
  const counts = allocate(Int32Array, 4).fill(0)
  const addresses = [bounds, mask, counts].map((array) => array.byteOffset) as [number, number, number]
  kernels().flagStrip(at, count.byteOffset, columns, rows, SEGMENT, ...addresses)
  return { bad: counts[0], hot: type === 'dark' ? counts[1] : 0, low: counts[2], noData: counts[3] }
}

/** Lowest and highest good value, and the lowest of full response. */
function boundsOf(type: string, level: number, sigma: number, rules: MaskRules): [number, number, number] {
  const none = Number.NEGATIVE_INFINITY
  if (type === 'lamp' || Number.isNaN(level)) return [none, Number.POSITIVE_INFINITY, none]
  if (type === 'dark') return [none, level + rules.hot * sigma, none]
  if (type === 'flat')
    return [Math.max(rules.dead * level, Number.MIN_VALUE), Number.POSITIVE_INFINITY, rules.low * level]
  return [level - rules.deviant * sigma, level + rules.deviant * sigma, none]
}
