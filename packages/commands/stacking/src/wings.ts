import { power } from '@nightpipe/math'
import type { PlaceFluxes } from '@nightpipe/registration'
import { FEWEST, type Sample, steadyMean } from './flux-ratio.js'
import { BROADEST, type Fit, fitShape, fitWidth, type Growth, inside, minimum, NARROWEST } from './moffat.js'

/** What the seeing does to a scale: its logarithm lacks `log`, known to `error`. */
export interface Correction {
  log: number
  error: number
}

/** A star tells of the wings from so many sigma on. */
const BRIGHT = 50
/** Wings of real stars, where those of a frame cannot be measured. */
const USUAL = 1 / 3
/** Stars are no Moffat profiles: that of the reference is believed to this part, */
const LIKENESS = 0.1
/** what others differ by from it to this; */
const EACH = 0.001
/** and what is corrected is believed to this part. */
const BELIEF = 0.05
/** Profiles of the same width may yet differ by so much of the light. */
const UNUSUAL = 1e-3

/**
 * Frames of worse seeing have less of a star in the circle, and more of it in the ring of the sky. From how the light of
 * bright stars grows with the circle, Moffat profiles are fitted (Moffat 1969, A&A 3, 455): each frame has its width and an
 * exponent near that of all. Halos and neighbours, which no such profile knows, are in all frames: what the profile of the
 * reference leaves of its stars is taken from the others before they are fitted. Where stars are too few or too faint nothing is
 * corrected, and the error holds all that usual wings would do.
 */
export function wingCorrections(
  places: readonly PlaceFluxes[],
  seeing: readonly number[],
  radii: readonly number[],
  reference: number,
): Correction[] {
  const growths = places.map(growthOf)
  const fits = (shape: number) => fitAll(growths, seeing, reference, shape, radii)
  if (!growths[reference]) return places.map((_, k) => uncorrected(seeing[k], seeing[reference], radii))
  const chiAt = (shape: number) => fits(shape).reduce((sum, fit) => sum + (fit?.chi ?? 0), 0)
  const shape = minimum(chiAt, NARROWEST, BROADEST, 1e-2)
  const here = fits(shape)
  const best = chiAt(shape)
  const measured = growths.filter((growth) => growth !== undefined).length
  const free = Math.max(1, measured * (radii.length - 2) - 1)
  // where stars are no such profiles, errors grow as the misfit does
  const misfit = Math.sqrt(Math.max(1, best / free))
  const step = shape + 0.02 < BROADEST ? 0.02 : -0.02
  const there = fits(shape + step)
  const shapeError = misfit * Math.min(0.2, Math.abs(step) / Math.sqrt(Math.max(chiAt(shape + step) - best, 1e-6)))
  return places.map((_, k): Correction => {
    const [own, its, other, theirs] = [here[k], here[reference], there[k], there[reference]]
    if (k === reference) return { log: 0, error: 0 }
    if (!own || !its || !other || !theirs) return uncorrected(seeing[k], seeing[reference], radii)
    const log = own.log - its.log
    const slope = (other.log - theirs.log - log) / step
    const error = Math.hypot(slope * shapeError, misfit * own.error, BELIEF * log)
    // what is measured badly is believed no more than what usual wings can do
    const likely = Math.hypot(uncorrected(seeing[k], seeing[reference], radii).error, UNUSUAL)
    const trust = likely ** 2 / (likely ** 2 + error ** 2)
    return { log: trust * log, error: Math.sqrt(trust) * error }
  })
}

/** Profiles of all frames, given their exponent; what that of the reference leaves is the same in all. */
function fitAll(
  growths: readonly (Growth | undefined)[],
  seeing: readonly number[],
  reference: number,
  shape: number,
  radii: readonly number[],
): (Fit | undefined)[] {
  const first = growths[reference]
  if (!first) return growths.map(() => undefined)
  const wide = first.map(({ part, error }) => ({ part, error: Math.hypot(error, LIKENESS * part) }))
  const its = fitWidth(wide, seeing[reference], shape, radii)
  return growths.map((growth, k) => {
    if (k === reference || !growth) return growth && its
    const own = growth.map(({ part, error }, j) => ({
      part: part - its.left[j],
      error: Math.hypot(error, first[j].error, EACH * part),
    }))
    return fitShape(own, seeing[k], shape, radii)
  })
}

function uncorrected(own: number, reference: number, radii: readonly number[]): Correction {
  const [a, b] = [own, reference].map((width) => Math.log(usuallyCounted(width * usualRadius, radii[radii.length - 1])))
  return { log: 0, error: Number.isFinite(a - b) ? Math.abs(a - b) : 0 }
}

/** Of a Moffat profile, over its full width at half maximum. */
const usualRadius = 1 / (2 * Math.sqrt(power(2, USUAL) - 1))

/** Means of what single stars say; undefined where they are too few. */
function growthOf({ flux, error, within }: PlaceFluxes): Growth | undefined {
  const circles = [...within, { flux, error }]
  const bright = Array.from(flux, (_, k) => k).filter((k) => flux[k] > BRIGHT * error[k])
  const growth: Growth = []
  for (let j = 1; j < circles.length; j++) {
    const [inner, outer] = [circles[j - 1], circles[j]]
    const samples = bright.map((k): Sample => {
      const variance = Math.max(0, outer.error[k] ** 2 - inner.error[k] ** 2)
      return { value: (outer.flux[k] - inner.flux[k]) / flux[k], variance: variance / flux[k] ** 2 }
    })
    const found = samples.length < 2 * FEWEST ? undefined : steadyMean(samples, 1e-4)
    if (!found) return undefined
    growth.push({ part: found.mean, error: found.error })
  }
  return growth
}

/** What usual wings leave of the light in a circle above its ring, which reaches from 1.3 radii to 2. */
function usuallyCounted(a: number, radius: number): number {
  const ring = (inside(2 * radius, a, USUAL) - inside(1.3 * radius, a, USUAL)) / (2 ** 2 - 1.3 ** 2)
  return inside(radius, a, USUAL) - ring
}
