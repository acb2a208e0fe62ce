import { leastSquares, MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import type { Planes } from './difference.js'
import type { SubtractionConfig } from './schema.js'
import type { Side } from './side.js'

/** What stars leave in a difference beyond the noise of their light: their positions and fluxes scatter by this much. */
export interface Imperfection {
  shiftX: number
  shiftY: number
  /** As a part of the flux. */
  relative: number
}

/** Stars looked at, and pixels to each side of them. */
const MOST = 200
const REACH = 2
const FLAWED = 4 | 8 | 256 | 512

/**
 * Measures it on bright stars: what is left of each is fitted by a change of its flux and a shift, and what these scatter
 * by beyond their errors is the imperfection (the astrometric noise of Zackay et al. 2016, and its like for fluxes).
 */
export function measureImperfection(planes: Planes, fresh: Side, { subtraction }: SubtractionConfig): Imperfection {
  const { stars } = fresh.found
  const bright = Array.from({ length: stars.count }, (_, i) => i)
    .filter((i) => (stars.flags[i]! & FLAWED) === 0 && stars.flux[i]! > 40 * stars.fluxError[i]!)
    .sort((i, j) => stars.flux[j]! - stars.flux[i]!)
    .slice(0, MOST)
  const fits = bright.flatMap((i) => leftover(planes, fresh, Math.round(stars.x[i]!), Math.round(stars.y[i]!)) ?? [])
  const beyond = (k: number) => {
    if (fits.length < 5) return 0
    const scatter =
      MAD_TO_SIGMA *
      mad(
        fits.map(({ values }) => values[k]!),
        0,
      )
    return Math.sqrt(Math.max(0, scatter ** 2 - medianOf(fits.map(({ variances }) => variances[k]!))))
  }
  const shift = subtraction['astrometric noise']
  return {
    shiftX: shift ?? beyond(1),
    shiftY: shift ?? beyond(2),
    relative: subtraction['flux noise'] ?? beyond(0),
  }
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

/** Counts it as noise, where the stars are. */
export function withImperfection(planes: Planes, imperfection: Imperfection, width: number): void {
  const { score, fluxError, starFlux } = planes
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
