import type { Difference } from './difference.js'
import type { SubtractionConfig } from './schema.js'

/** A source in a difference. Pixels count from 0. */
export interface Candidate {
  x: number
  y: number
  /** Significance, with the sign of the flux. */
  score: number
  flux: number
  fluxError: number
}

/** A pixel may show so much less than the top between the pixels, where the point spread is hardly wider than they are. */
const PIXEL_PART = 0.8

/** Local maxima of the score (and minima), the most significant first; of several within half a seeing disc the first. */
export function findPeaks(d: Difference, { candidates }: SubtractionConfig): Candidate[] {
  const { width, height, score } = d
  const { threshold, negative, most } = candidates
  const found: Candidate[] = []
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1, p = y * width + 1; x < width - 1; x++, p++) {
      const value = score[p]!
      if (!(Math.abs(value) >= PIXEL_PART * threshold) || (value < 0 && !negative)) continue
      if (!isPeak(score, p, width, Math.sign(value))) continue
      const peak = peakAt(d, x, y)
      if (Math.abs(peak.score) >= threshold) found.push(peak)
    }
  }
  found.sort((a, b) => Math.abs(b.score) - Math.abs(a.score) || a.y - b.y || a.x - b.x)
  return apart(found, d.seeing.fresh / 2, most)
}

/** A neighbour without a value makes it none: at the border of the data anything may stand. */
function isPeak(score: Float32Array, p: number, width: number, sign: number): boolean {
  const value = sign * score[p]!
  if (!Number.isFinite(value)) return false
  for (const q of [p - width - 1, p - width, p - width + 1, p - 1]) if (!(sign * score[q]! <= value)) return false
  for (const q of [p + 1, p + width - 1, p + width, p + width + 1]) if (!(sign * score[q]! < value)) return false
  return true
}

/** The top of the parabola through the neighbours of a pixel. */
function peakAt({ width, score, fluxError }: Difference, x: number, y: number): Candidate {
  const p = y * width + x
  const top = (a: number, b: number, c: number) => {
    const bend = a - 2 * b + c
    const t = bend === 0 ? 0 : (0.5 * (a - c)) / bend
    return Math.abs(t) <= 1 ? t : 0
  }
  const dx = top(score[p - 1]!, score[p]!, score[p + 1]!)
  const dy = top(score[p - width]!, score[p]!, score[p + width]!)
  const rise = -0.25 * (dx * (score[p - 1]! - score[p + 1]!) + dy * (score[p - width]! - score[p + width]!))
  const value = score[p]! + rise
  return { x: x + dx, y: y + dy, score: value, flux: value * fluxError[p]!, fluxError: fluxError[p]! }
}

function apart(sorted: readonly Candidate[], distance: number, most: number): Candidate[] {
  const kept: Candidate[] = []
  for (const one of sorted) {
    const same = (other: Candidate) => other.score > 0 === one.score > 0
    if (kept.some((other) => same(other) && Math.hypot(other.x - one.x, other.y - one.y) < distance)) continue
    kept.push(one)
    if (kept.length === most) break
  }
  return kept
}
