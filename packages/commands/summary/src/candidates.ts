import type { Candidate, LightCurve } from './field.js'
import { type Found, pointOf } from './read-tables.js'

/** Detections on several frames closer than this are one candidate: arcseconds with a plate solution, else pixels. */
const SAME_ARCSEC = 2
const SAME_PX = 3

/** One place, with all that was found there, the most significant first. */
export interface Merged extends Candidate {
  found: Found[]
}

/** The most significant first; what several frames show in one place, or moving, is one candidate. */
export function mergeCandidates(found: readonly Found[]): Merged[] {
  const weight = ({ significance = 0 }: Found) => Math.abs(significance)
  const ranked = [...found].sort((a, b) => weight(b) - weight(a) || (a.stem < b.stem ? -1 : 1))
  const merged: Merged[] = []
  for (const one of ranked) {
    const same = merged.find((other) => isSame(one, other))
    if (same) {
      same.found.push(one)
      same.detections++
    } else {
      const { good: _, stamps: __, limit: ___, ...facts } = one
      merged.push({ number: merged.length + 1, ...facts, detections: 1, found: [one] })
    }
  }
  return merged
}

/** What was measured of the candidates that several frames show. */
export const curvesOfCandidates = (candidates: readonly Merged[]): LightCurve[] =>
  candidates
    .filter(({ found }) => found.length > 1)
    .map(({ number, ra, dec, found }) => {
      const where = ra === undefined || dec === undefined ? {} : { ra, dec }
      return { name: `candidate ${number}`, ...where, points: found.flatMap(pointOf) }
    })
    .filter(({ points }) => points.length > 1)

type Place = Pick<Candidate, 'ra' | 'dec' | 'x' | 'y' | 'filter' | 'mover'>

function isSame(a: Place, b: Place): boolean {
  if (a.mover || b.mover) return a.mover?.name === b.mover?.name
  if (a.ra !== undefined && b.ra !== undefined && a.dec !== undefined && b.dec !== undefined) {
    const apart = ((((a.ra - b.ra + 180) % 360) + 360) % 360) - 180
    const across = apart * Math.cos((a.dec * Math.PI) / 180)
    return 3600 * Math.hypot(across, a.dec - b.dec) < SAME_ARCSEC
  }
  return a.filter === b.filter && Math.hypot(a.x - b.x, a.y - b.y) < SAME_PX
}
