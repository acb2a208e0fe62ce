import { MaskBit } from '@nightpipe/image'
import { transform } from '@nightpipe/registration'
import type { Candidate } from './candidates.js'
import type { Side } from './side.js'

/** Of a source fainter than this, in sigma, no shape tells that it is one. */
const FAINT = 12
/** Pixels so near to one that was taken for hit, px, may be of the same track. */
const REACH = 2.5

type Frame = Pick<Side, 'mask' | 'width' | 'height'>

/**
 * Whether a candidate is what is left of the track of a particle, in the frame that it comes from: it is faint, and right
 * beside pixels that were taken for hit. Tracks fade out; sources so near to one are a few in a thousand.
 */
export function besideHits(scene: {
  fresh: Frame
  there: Frame
  reference: { toReference: Parameters<typeof transform>[0] }
}): (candidate: Candidate) => boolean {
  const { fresh, there, reference } = scene
  return ({ x, y, flux, score }) => {
    if (Math.abs(score) >= FAINT) return false
    if (flux > 0) return isHitNear(fresh, x, y)
    const [u, v] = transform(reference.toReference, x, y) as [number, number]
    return isHitNear(there, u, v)
  }
}

function isHitNear({ mask, width, height }: Frame, x: number, y: number): boolean {
  for (let v = Math.max(0, Math.ceil(y - REACH)); v <= Math.min(height - 1, y + REACH); v++) {
    for (let u = Math.max(0, Math.ceil(x - REACH)); u <= Math.min(width - 1, x + REACH); u++) {
      const isNear = (u - x) * (u - x) + (v - y) * (v - y) <= REACH * REACH
      if (isNear && (mask[v * width + u]! & MaskBit.cosmicRay) !== 0) return true
    }
  }
  return false
}
