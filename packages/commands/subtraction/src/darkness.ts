import { medianOf } from '@nightpipe/math'
import type { Candidate } from './candidates.js'
import type { Difference } from './difference.js'
import { movedSpread } from './moved-spread.js'
import { type Side, UNUSABLE } from './side.js'

/** The sky about a place lies in a ring between these, in FWHM. */
const RING = [1.5, 3] as const
/** More than this part of what is lost cannot be missing from the sky. */
const PART = 0.5

type Frame = Pick<Side, 'net' | 'variance' | 'mask' | 'width' | 'height'>

/**
 * Whether what has faded is mostly noise of the new frame: whatever a source loses, no less than its sky is left there.
 */
export function darknessOf(scene: {
  fresh: Frame
  difference: Pick<Difference, 'psfAt' | 'psfHalf' | 'seeing'>
}): (candidate: Candidate) => boolean {
  const { fresh, difference } = scene
  const fwhm = difference.seeing.fresh
  return ({ x, y, flux }) => {
    if (flux > 0) return false
    const [cx, cy] = [Math.round(x), Math.round(y)]
    const half = difference.psfHalf
    const spread = movedSpread(difference.psfAt(cx, cy), half, x - cx, y - cy)
    const ring: number[] = []
    let [signal, weights, squares] = [0, 0, 0]
    for (const p of pixelsAbout(fresh, x, y, RING[1] * fwhm)) {
      const [u, v] = [(p % fresh.width) - cx, Math.floor(p / fresh.width) - cy]
      if (Math.hypot(u, v) > RING[0] * fwhm) ring.push(fresh.net[p]!)
      else if (Math.abs(u) <= half && Math.abs(v) <= half) {
        const weight = Math.max(0, spread[(v + half) * (2 * half + 1) + u + half]!)
        signal += weight * fresh.net[p]!
        weights += weight
        squares += weight * weight
      }
    }
    return ring.length > 0 && signal - weights * medianOf(ring) < PART * flux * squares
  }
}

/** Good pixels within a distance of a place. */
function pixelsAbout({ width, height, mask, variance }: Frame, x: number, y: number, reach: number): number[] {
  const pixels: number[] = []
  for (let v = Math.max(0, Math.ceil(y - reach)); v <= Math.min(height - 1, y + reach); v++) {
    for (let u = Math.max(0, Math.ceil(x - reach)); u <= Math.min(width - 1, x + reach); u++) {
      const p = v * width + u
      if (Math.hypot(u - x, v - y) <= reach && (mask[p]! & UNUSABLE) === 0 && variance[p]! > 0) pixels.push(p)
    }
  }
  return pixels
}
