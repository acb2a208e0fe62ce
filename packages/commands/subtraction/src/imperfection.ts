import { leastSquares, MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import { nearestWithin } from '@nightpipe/registration'
import { type FoundStars, outsideTrails } from '@nightpipe/stars'
import type { Planes } from './difference.js'
import type { Registered } from './register.js'
import type { SubtractionConfig } from './schema.js'
import type { Side } from './side.js'

/** What stars leave in a difference beyond the noise of their light: their positions and fluxes scatter by this much. */
export interface Imperfection {
  shiftX: number
  shiftY: number
  /** As a part of the flux. */
  relative: number
  /** The same in rings of one pixel about a star: what the wings leave. */
  rings: number[]
}

/** Stars looked at, and pixels to each side of them. */
const MOST = 200
const REACH = 2
const FLAWED = 4 | 8 | 256 | 512

/**
 * Measures it on bright stars: what is left of each is fitted by a change of its flux and a shift, and what these scatter
 * by beyond their errors is the imperfection (the astrometric noise of Zackay et al. 2016, and its like for fluxes).
 */
export function measureImperfection(
  planes: Planes,
  blank: Uint8Array,
  { fresh, reference }: { fresh: Side; reference: Pick<Registered, 'stars'> },
  seeing: number,
  { subtraction }: SubtractionConfig,
): Imperfection {
  const { stars } = fresh.found
  const significant = Array.from({ length: stars.count }, (_, i) => i).filter(
    (i) => stars.flux[i]! > 40 * stars.fluxError[i]!,
  )
  const whole = wholeInBoth(fresh.found, reference.stars, seeing)
  const bright = outsideTrails(stars, significant)
    .filter((i) => whole.has(i))
    .sort((i, j) => stars.flux[j]! - stars.flux[i]!)
    .slice(0, MOST)
  const fits = bright.flatMap((i) => leftover(planes, fresh, Math.round(stars.x[i]!), Math.round(stars.y[i]!)) ?? [])
  const beyond = (k: number) =>
    fits.length < 5
      ? 0
      : scatterBeyond(
          fits.map(({ values }) => values[k]!),
          fits.map(({ variances }) => variances[k]!),
        )
  const shift = subtraction['astrometric noise']
  return {
    shiftX: shift ?? beyond(1),
    shiftY: shift ?? beyond(2),
    relative: subtraction['flux noise'] ?? beyond(0),
    rings: ringsAbout(planes, blank, fresh, bright.slice(0, RING_STARS), Math.ceil(RING_REACH * seeing)),
  }
}

/** Stars that are whole in both frames: a sharper or longer one is saturated where the other is not. */
function wholeInBoth({ stars }: Side['found'], reference: Registered['stars'], seeing: number): ReadonlySet<number> {
  const pairs = nearestWithin(stars, reference, seeing / 2)
  return new Set(pairs.filter(([i, j]) => ((stars.flags[i]! | reference.flags[j]!) & FLAWED) === 0).map(([i]) => i))
}

/** Squares of pulls are no larger than this, so that no single star decides; their mean is then this for Gaussian noise. */
const WORST = 9
const MEAN_OF_SQUARES = 0.995

/** Few stars do not tell which of them are unlike the others: their scatter is taken as it is. */
const FEW = 30
/** Values further off than so many times the scatter of all are of other stars: saturated in one frame, variable. */
const OTHER = 4

/**
 * The scatter of values beyond their errors, of most likelihood: what the brightest stars show counts most, as the noise of
 * faint ones hides it. 0 where chance does as much.
 */
export function scatterBeyond(values: readonly number[], variances: readonly number[]): number {
  const scatter = MAD_TO_SIGMA * mad(values, 0)
  if (values.length < FEW) return Math.sqrt(Math.max(0, scatter ** 2 - medianOf(variances)))
  const pairs = values.flatMap((value, k) =>
    Math.abs(value) < OTHER * scatter ? { square: value * value, variance: variances[k]! } : [],
  )
  const slope = (e2: number) =>
    pairs.reduce((sum, { square, variance }) => {
      const total = variance + e2
      return sum + (Math.min(WORST, square / total) / MEAN_OF_SQUARES - 1) / total
    }, 0)
  const chance = Math.sqrt(2 * pairs.reduce((sum, { variance }) => sum + 1 / variance ** 2, 0))
  if (!(slope(0) > chance)) return 0
  let [low, high] = [0, scatter * scatter]
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2
    if (slope(middle) > 0) low = middle
    else high = middle
  }
  return Math.sqrt((low + high) / 2)
}

/** Change of flux and shift of a star, as what is left of it shows them. */
function leftover(planes: Planes, { width, height }: Side, cx: number, cy: number) {
  if (cx < REACH + 1 || cy < REACH + 1 || cx + REACH + 1 >= width || cy + REACH + 1 >= height) return undefined
  const { score, fluxError, starFlux } = planes
  const rows: number[] = []
  const right: number[] = []
  for (let y = cy - REACH; y <= cy + REACH; y++) {
    for (let x = cx - REACH; x <= cx + REACH; x++) {
      const p = y * width + x
      const sigma = fluxError[p]!
      const slopes = [starFlux[p + 1]! - starFlux[p - 1]!, starFlux[p + width]! - starFlux[p - width]!]
      rows.push(starFlux[p]! / sigma, slopes[0]! / 2 / sigma, slopes[1]! / 2 / sigma)
      right.push(score[p]!)
    }
  }
  try {
    const { solution } = leastSquares(rows, right, 3)
    // neighbouring pixels of the filtered image share their noise: the information is that of its strongest pixel
    const information = (k: number) => Math.max(...rows.filter((_, n) => n % 3 === k).map((value) => value * value))
    return { values: solution, variances: [0, 1, 2].map((k) => 1 / information(k)) }
  } catch {
    return undefined
  }
}

/** Rings are measured on so many of the brightest stars, and on so few that show the most, out to so many FWHM. */
const RING_STARS = 40
const RING_FEW = 8
const RING_REACH = 6
/** The median of squares of Gaussian values of sigma 1. */
const MEDIAN_OF_SQUARES = 0.4549364

/**
 * What is left in rings about bright stars, as a part of their flux, beyond the noise: the typical square of what the
 * matched filter finds there. Half of the pixels must show it, so that a neighbour does not.
 */
function ringsAbout(
  planes: Planes,
  blank: Uint8Array,
  { width, height, found }: Side,
  bright: readonly number[],
  reach: number,
): number[] {
  const { score, fluxError, starFlux } = planes
  if (bright.length < 5) return []
  const rings: RingPixel[][] = Array.from({ length: reach }, () => [])
  for (const [rank, i] of bright.entries()) {
    const [cx, cy] = [Math.round(found.stars.x[i]!), Math.round(found.stars.y[i]!)]
    if (cx < reach || cy < reach || cx + reach >= width || cy + reach >= height) continue
    const light = starFlux[cy * width + cx]!
    for (let y = cy - reach; y <= cy + reach; y++) {
      for (let x = cx - reach; x <= cx + reach; x++) {
        const ring = Math.round(Math.hypot(x - cx, y - cy))
        const p = y * width + x
        if (ring >= 2 && ring < reach && blank[p] === 0)
          rings[ring]!.push({ rank, square: score[p]! ** 2, noise: (fluxError[p]! / light) ** 2 })
      }
    }
  }
  const few = (ring: readonly RingPixel[]) => ring.filter(({ rank }) => rank < RING_FEW)
  // where most stars are too faint to show it, the brightest do
  return rings.map((ring) => Math.max(excessOf(ring, 1.3), excessOf(few(ring), 1.5)))
}

interface RingPixel {
  /** Of the star, by its light. */
  rank: number
  square: number
  noise: number
}

/**
 * The e for which square / (1 + e² / noise) is distributed as the square of Gaussian noise. Neighbouring pixels are not
 * independent: what is less than `least` times as much without e may be chance.
 */
function excessOf(ring: readonly RingPixel[], least: number): number {
  if (ring.length < 30) return 0
  const middle = (e2: number) => medianOf(ring.map(({ square, noise }) => square / (1 + e2 / noise)))
  if (middle(0) < least * MEDIAN_OF_SQUARES) return 0
  let [low, high] = [0, 1]
  for (let step = 0; step < 30; step++) {
    const mid = low === 0 ? high / 4 : Math.sqrt(low * high)
    if (middle(mid) > MEDIAN_OF_SQUARES) low = mid
    else high = mid
    if (low > 0 && high / low < 1.1) break
  }
  return Math.sqrt(low)
}

/** Counts it as noise, where the stars are. */
export function withImperfection(planes: Planes, imperfection: Imperfection, fresh: Side): void {
  const { width } = fresh
  const { score, fluxError, starFlux } = planes
  withRings(planes, imperfection, fresh)
  const { shiftX, shiftY, relative } = imperfection
  if (shiftX === 0 && shiftY === 0 && relative === 0) return
  for (let p = width + 1; p < score.length - width - 1; p++) {
    const light = starFlux[p]!
    const dx = (starFlux[p + 1]! - starFlux[p - 1]!) / 2
    const dy = (starFlux[p + width]! - starFlux[p - width]!) / 2
    const more = (relative * light) ** 2 + (shiftX * dx) ** 2 + (shiftY * dy) ** 2
    const before = fluxError[p]!
    const sigma = Math.sqrt(before * before + more)
    score[p]! *= before / sigma
    fluxError[p] = sigma
  }
}

/**
 * The light of a star that leaves rings: what the point spread finds there. A galaxy has more, but spread out, and with it
 * what it leaves, which is of either sign. Of a star with bad or full pixels the point spread sees a part.
 */
const pointLight = ({ flux, flags }: FoundStars, i: number, seen: number): number =>
  (flags[i]! & FLAWED) === 0 ? seen : Math.max(flux[i]!, seen)

/** Rings about stars whose light in them is less than this part of the noise are left alone. */
const FAINT = 0.3

function withRings(
  { score, fluxError, starFlux }: Planes,
  { rings }: Imperfection,
  { width, height, found }: Side,
): void {
  const most = Math.max(0, ...rings)
  if (most === 0) return
  const { stars } = found
  for (let i = 0; i < stars.count; i++) {
    const [cx, cy] = [Math.round(stars.x[i]!), Math.round(stars.y[i]!)]
    if (cx < 0 || cy < 0 || cx >= width || cy >= height) continue
    const light = pointLight(stars, i, starFlux[cy * width + cx]!)
    if (!(most * light > FAINT * fluxError[cy * width + cx]!)) continue
    const reach = rings.length - 1
    for (let y = Math.max(0, cy - reach); y <= Math.min(height - 1, cy + reach); y++) {
      for (let x = Math.max(0, cx - reach); x <= Math.min(width - 1, cx + reach); x++) {
        const left = light * (rings[Math.round(Math.hypot(x - cx, y - cy))] ?? 0)
        const p = y * width + x
        const sigma = Math.hypot(fluxError[p]!, left)
        if (left === 0 || !(sigma > 0)) continue
        score[p]! *= fluxError[p]! / sigma
        fluxError[p] = sigma
      }
    }
  }
}
