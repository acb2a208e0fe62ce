import { fitLine, MAD_TO_SIGMA, medianOf } from '@nightpipe/math'
import type { SeriesFrame } from './read-product.js'

/** What the air takes away, by filter: the line through zero points against airmass. */
export interface Extinction {
  filter: string
  /** Zero point at airmass 1; its error has that of the reference stars, which all frames share. */
  zero: number
  zeroError: number
  /** Magnitudes for each airmass. */
  coefficient: number
  coefficientError: number
  /** Of clear frames about the line. */
  scatter: number
  frames: number
  clear: number
  least: number
  most: number
}

/** Least difference of airmass that tells the extinction, and the fewest frames. */
const LEAST_RANGE = 0.15
const FEWEST = 4
/** Frames further off are not clear, in units of the robust scatter, and of their own errors: a small scatter may be chance. */
const CLIP = 4
const OWN = 2

type Dated = Pick<SeriesFrame, 'filter' | 'zero' | 'zeroError' | 'airmass'>

export function extinctionOf(frames: readonly Dated[]): Extinction[] {
  const filters = [...new Set(frames.map(({ filter }) => filter))].sort()
  return filters.flatMap((filter) => {
    const own = frames.filter((frame) => frame.filter === filter && Number.isFinite(frame.zero + frame.airmass))
    const known = own.map(({ airmass }) => airmass)
    const [least, most] = [Math.min(...known), Math.max(...known)]
    if (own.length < FEWEST || most - least < LEAST_RANGE) return []
    const clear = clearOnes(own)
    const air = (list: readonly Dated[]) => list.map(({ airmass }) => airmass - 1)
    const fit = fitLine(
      air(clear),
      clear.map(({ zero }) => zero),
    )
    const left = clear.map(({ zero, airmass }) => zero - fit.intercept - fit.slope * (airmass - 1))
    const scatter = Math.sqrt(left.reduce((sum, d) => sum + d * d, 0) / Math.max(1, clear.length - 2))
    const shared = medianOf(clear.map(({ zeroError }) => zeroError || 0))
    return [
      {
        ...{ filter, zero: fit.intercept, zeroError: Math.hypot(fit.interceptError, shared) },
        ...{ coefficient: -fit.slope, coefficientError: fit.slopeError },
        ...{ scatter, frames: own.length, clear: clear.length, least, most },
      },
    ]
  })
}

/**
 * Clouds take light, as much as they like: the line is first that of the median slope of all pairs (Theil 1950; Sen 1968,
 * JASA 63, 1379), which up to 29 % of bad frames leave near the truth; its robust scatter says, once, who is off. A clip
 * that is repeated with the scatter of those it left would go on until a few frames agree by chance.
 */
function clearOnes(frames: readonly Dated[]): Dated[] {
  const slopes = frames.flatMap((a, i) =>
    frames
      .slice(i + 1)
      .filter((b) => Math.abs(b.airmass - a.airmass) > 0.02)
      .map((b) => (b.zero - a.zero) / (b.airmass - a.airmass)),
  )
  const slope = medianOf(slopes)
  const level = medianOf(frames.map(({ zero, airmass }) => zero - slope * airmass))
  const off = ({ zero, airmass }: Dated) => Math.abs(zero - slope * airmass - level)
  const limit = CLIP * MAD_TO_SIGMA * medianOf(frames.map(off))
  const clear = frames.filter((frame) => off(frame) <= Math.max(limit, OWN * (frame.zeroError || 0)))
  return clear.length >= FEWEST ? clear : [...frames]
}
