import { inRows } from '@nightpipe/image'
import { medianOf, power } from '@nightpipe/math'
import type { SkyMesh } from './background.js'
import type { FoundStars, FrameQuality } from './found.js'
import type { FindOptions } from './options.js'
import { StarFlag } from './stars.js'

const UNFIT = StarFlag.saturated | StarFlag.truncated | StarFlag.masked | StarFlag.cosmicRay

/** The stars that tell what the profile of a frame is: well measured, alone, whole. */
export function goodStars(stars: FoundStars, leastSignal = 20): number[] {
  const all = Array.from({ length: stars.count }, (_, i) => i)
  const bright = outsideTrails(
    stars,
    all.filter((i) => stars.flux[i] > leastSignal * stars.fluxError[i] && stars.fwhm[i] > 0),
  )
  const whole = bright.filter((i) => (stars.flags[i] & UNFIT) === 0)
  const alone = whole.filter((i) => (stars.flags[i] & (StarFlag.neighbours | StarFlag.deblended)) === 0)
  const good = alone.length >= 5 ? alone : whole.length > 0 ? whole : bright
  if (good.length < 3) return good
  // galaxies and cosmic rays stand apart in width
  const centre = medianOf(good.map((i) => stars.fwhm[i]))
  return good.filter((i) => Math.abs(stars.fwhm[i] - centre) < 0.3 * centre)
}

/** Those of some stars that are not in a straight row with many others of them: pieces of a trail are no stars. */
export function outsideTrails({ x, y }: Pick<FoundStars, 'x' | 'y'>, some: readonly number[]): number[] {
  const rows = inRows({ x: some.map((i) => x[i]), y: some.map((i) => y[i]) })
  return some.filter((_, k) => rows[k] === 0)
}

export function frameQuality(
  stars: FoundStars,
  background: SkyMesh,
  elongations: Float64Array,
  { threshold }: FindOptions,
): FrameQuality {
  const good = goodStars(stars)
  const middle = (of: (i: number) => number) => (good.length > 0 ? medianOf(good.map(of)) : Number.NaN)
  const seeing = middle((i) => stars.fwhm[i])
  const skySigma = medianOf(background.rms)
  // a Gaussian of this width weighs 4 pi sigma² pixels
  const pixels = 4 * Math.PI * ((Number.isNaN(seeing) ? 3 : seeing) / 2.3548) ** 2
  const known = good.filter((i) => Number.isFinite(elongations[i]))
  const elongation = known.length > 0 ? medianOf(known.map((i) => elongations[i])) : Number.NaN
  let highestPeak = Number.NaN
  for (const peak of stars.peak) if (!(peak <= highestPeak)) highestPeak = peak
  return {
    ...{ seeing, sky: medianOf(background.level), skySigma, highestPeak, count: stars.count, good: good.length },
    ...{ elongation, ellipticity: 1 - 1 / elongation },
    thetaKurtosis: excessKurtosis(aboutTheirAxis(good.map((i) => stars.theta[i]))),
    limitingMagnitude: -2.5 * Math.log10(threshold * skySigma * Math.sqrt(pixels)),
  }
}

/**
 * Angles of axes, degrees, as they stand off their mean axis (Fisher 1993, Statistical Analysis of Circular Data, 2.3): a
 * trail along the columns is at 90 and at -90 at once.
 */
function aboutTheirAxis(angles: readonly number[]): number[] {
  const sum = (of: (x: number) => number) => angles.reduce((total, angle) => total + of((angle * Math.PI) / 90), 0)
  const axis = (Math.atan2(sum(Math.sin), sum(Math.cos)) * 90) / Math.PI
  return angles.map((angle) => angle - axis - 180 * Math.round((angle - axis) / 180))
}

/** Fourth moment over the square of the second, less the 3 of a Gaussian (Fisher); NaN of fewer than four values. */
function excessKurtosis(values: readonly number[]): number {
  const n = values.length
  if (n < 4) return Number.NaN
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const moment = (order: number) => values.reduce((sum, value) => sum + power(value - mean, order), 0) / n
  return moment(4) / moment(2) ** 2 - 3
}
