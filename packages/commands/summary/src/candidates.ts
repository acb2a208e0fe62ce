import type { Candidate } from './field.js'

/** Detections on several frames closer than this are one candidate: arcseconds with a plate solution, else pixels. */
const SAME_ARCSEC = 2
const SAME_PX = 3

/** The most significant first; what several frames show in one place is one candidate. */
export function mergeCandidates(found: readonly Omit<Candidate, 'number' | 'detections'>[]): Candidate[] {
  const ranked = [...found].sort((a, b) => (b.significance ?? 0) - (a.significance ?? 0) || (a.stem < b.stem ? -1 : 1))
  const merged: Candidate[] = []
  for (const one of ranked) {
    const same = merged.find((other) => isSame(one, other))
    if (same) same.detections++
    else merged.push({ number: merged.length + 1, ...one, detections: 1 })
  }
  return merged
}

type Place = Pick<Candidate, 'ra' | 'dec' | 'x' | 'y' | 'filter'>

function isSame(a: Place, b: Place): boolean {
  if (a.ra !== undefined && b.ra !== undefined && a.dec !== undefined && b.dec !== undefined) {
    const apart = ((((a.ra - b.ra + 180) % 360) + 360) % 360) - 180
    const across = apart * Math.cos((a.dec * Math.PI) / 180)
    return 3600 * Math.hypot(across, a.dec - b.dec) < SAME_ARCSEC
  }
  return a.filter === b.filter && Math.hypot(a.x - b.x, a.y - b.y) < SAME_PX
}
