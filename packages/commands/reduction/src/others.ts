import { angularSeparation } from '@nightpipe/sky'
import type { RawFrame } from './frames.js'
import type { ReductionJob } from './plan.js'

/** How much longer or shorter the exposure of a frame may be that another is compared with. */
const EXPOSURES = 2

/** For each frame the others of its field that it is compared with: those nearest in time, at most `most`. */
export function othersOf(jobs: readonly ReductionJob[], most: number): ReductionJob[][] {
  const order = [...jobs].sort((a, b) => (a.frame.path < b.frame.path ? -1 : 1))
  return jobs.map((job) => {
    const distance = (other: ReductionJob) => apart(job.frame, other.frame, order.indexOf(other) - order.indexOf(job))
    return order
      .filter((other) => other !== job && sameField(job.frame, other.frame))
      .sort((a, b) => distance(a) - distance(b) || (a.frame.path < b.frame.path ? -1 : 1))
      .slice(0, most)
      .map(({ frame, product, bias, dark, flat, mask }) => ({ frame, product, bias, dark, flat, mask }))
  })
}

/** Days between two frames; where dates are unknown, how far apart they are by name. */
function apart(a: RawFrame, b: RawFrame, places: number): number {
  return a.facts.mjd !== undefined && b.facts.mjd !== undefined ? Math.abs(a.facts.mjd - b.facts.mjd) : Math.abs(places)
}

function sameField(a: RawFrame, b: RawFrame): boolean {
  const alike = ['instrument', 'camera', 'filter', 'readMode', 'orientation'] as const
  if (alike.some((key) => a.facts[key] !== b.facts[key])) return false
  if (a.width !== b.width || a.height !== b.height || a.facts.binning.join() !== b.facts.binning.join()) return false
  const ratio = (a.facts.exposureSeconds ?? 1) / (b.facts.exposureSeconds ?? 1)
  if (!(ratio <= EXPOSURES && ratio >= 1 / EXPOSURES)) return false
  const { raDeg, decDeg, pixelScaleArcsec: scale } = a.facts
  if (raDeg === undefined || decDeg === undefined || b.facts.raDeg === undefined || b.facts.decDeg === undefined) {
    return a.facts.object === b.facts.object
  }
  const separation = angularSeparation([raDeg, decDeg], [b.facts.raDeg, b.facts.decDeg])
  // half a field; where the scale is unknown, the name of the object decides
  return scale === undefined
    ? a.facts.object === b.facts.object
    : separation * 3600 < (Math.min(a.width, a.height) * scale) / 2
}
