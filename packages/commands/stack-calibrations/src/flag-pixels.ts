import { MaskBit } from '@nightpipe/image'
import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'

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

interface Strip {
  type: string
  pixels: Float32Array
  count: Int16Array
  columns: number
  rules: MaskRules
  /** Masks of the masters that were subtracted. */
  inherited: readonly (Int16Array | undefined)[]
}

/** Columns over which the surroundings of a pixel are taken: glow and vignetting are smooth over as many. */
const SEGMENT = 64

/**
 * The mask of a strip of a master. A pixel is judged against its surroundings, the median of the strip over 64 columns:
 * a dark pixel far above is hot, a bias pixel far off is bad, a flat pixel far below is dead or of low response.
 */
export function flagPixels(strip: Strip, mask: Int16Array, counts: Flagged): void {
  const { type, pixels, count, columns, rules, inherited } = strip
  const level = surroundings(pixels, columns)
  const sigma = type === 'flat' ? 0 : scatterAbout(pixels, level, columns)
  for (let p = 0; p < pixels.length; p++) {
    const value = pixels[p]
    const around = level[Math.floor((p % columns) / SEGMENT)]
    let bits = 0
    for (const master of inherited) if (master) bits |= master[p] & (MaskBit.bad | MaskBit.noData)
    if (count[p] === 0 || !Number.isFinite(value)) {
      bits |= MaskBit.noData
      counts.noData++
    } else if (type === 'dark' && value - around > rules.hot * sigma) {
      bits |= MaskBit.bad
      counts.hot++
    } else if (type === 'bias' && Math.abs(value - around) > rules.deviant * sigma) {
      bits |= MaskBit.bad
    } else if (type === 'flat' && !(value > rules.dead * around && value > 0)) {
      bits |= MaskBit.bad
    } else if (type === 'flat' && value < rules.low * around) {
      bits |= MaskBit.lowResponse
      counts.low++
    }
    if (bits & MaskBit.bad) counts.bad++
    mask[p] = bits
  }
}

function surroundings(pixels: Float32Array, columns: number): Float64Array {
  const rows = pixels.length / columns
  const level = new Float64Array(Math.ceil(columns / SEGMENT))
  const box = new Float32Array(rows * SEGMENT)
  for (let s = 0; s < level.length; s++) {
    let n = 0
    for (let y = 0; y < rows; y++) {
      for (let x = s * SEGMENT; x < Math.min(columns, (s + 1) * SEGMENT); x++) {
        const value = pixels[y * columns + x]
        if (Number.isFinite(value)) box[n++] = value
      }
    }
    level[s] = n > 0 ? medianOf(box.subarray(0, n)) : Number.NaN
  }
  return level
}

/** Robust scatter of a strip about its surroundings. */
function scatterAbout(pixels: Float32Array, level: Float64Array, columns: number): number {
  const deviations = new Float32Array(pixels.length)
  let n = 0
  for (let p = 0; p < pixels.length; p++) {
    const deviation = Math.abs(pixels[p] - level[Math.floor((p % columns) / SEGMENT)])
    if (Number.isFinite(deviation)) deviations[n++] = deviation
  }
  return n > 0 ? MAD_TO_SIGMA * medianOf(deviations.subarray(0, n)) : 0
}
