import type { FrameFacts } from '@nightpipe/config'

/** A point of a light curve: a magnitude, or an upper limit, never both; NaN for what is not there. */
export interface LightPoint {
  flux: number
  fluxError: number
  magnitude: number
  magnitudeError: number
  upperLimit: number
}

/** Keywords under which frames tell the magnitude of one unit of flux. */
const KEYWORDS = ['MAGZP', 'ZP', 'MAGZPT', 'MAGZERO', 'ZEROPNT', 'ZEROPOIN', 'PHOTZP', 'L1ZP', 'MAG_ZP', 'ZPT']

/** The zero point of a frame, where its header has one. */
export function zeroPointOf(lookup: (keyword: string) => unknown): number | undefined {
  for (const keyword of KEYWORDS) {
    const value = Number(lookup(keyword) ?? Number.NaN)
    if (Number.isFinite(value) && value > 0 && value < 60) return value
  }
  return undefined
}

/** Flux and error as a magnitude where the flux is `limit` sigma, else as an upper limit of flux + limit sigma. */
export function lightPoint(flux: number, fluxError: number, zeroPoint: number | undefined, limit: number): LightPoint {
  const none = { flux, fluxError, magnitude: Number.NaN, magnitudeError: Number.NaN, upperLimit: Number.NaN }
  if (zeroPoint === undefined || !(fluxError > 0)) return none
  if (flux >= limit * fluxError) {
    const magnitudeError = (2.5 / Math.LN10) * (fluxError / flux)
    return { ...none, magnitude: zeroPoint - 2.5 * Math.log10(flux), magnitudeError }
  }
  return { ...none, upperLimit: zeroPoint - 2.5 * Math.log10(Math.max(0, flux) + limit * fluxError) }
}

/** The middle of the exposure. */
export const middleOf = ({ mjd, exposureSeconds }: FrameFacts): number | undefined =>
  mjd === undefined ? undefined : mjd + (exposureSeconds ?? 0) / 2 / 86400
