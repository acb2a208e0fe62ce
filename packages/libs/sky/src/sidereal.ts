import { wrapDegrees } from './angles.js'
import { RADIANS } from './sphere.js'
import { utcToTt } from './timescales.js'

/** Julian centuries (TT) since J2000. */
export const centuries = (mjdUtc: number): number => (utcToTt(mjdUtc) - 51544.5) / 36525

/** Nutation in longitude and obliquity, and the mean obliquity: degrees. The four largest terms of IAU 1980, to 0.5". */
export function nutation(mjdUtc: number): { longitude: number; obliquity: number; meanObliquity: number } {
  const t = centuries(mjdUtc)
  const node = (125.04452 - 1934.136261 * t) * RADIANS
  const sun = (280.4665 + 36000.7698 * t) * RADIANS
  const moon = (218.3165 + 481267.8813 * t) * RADIANS
  const longitude =
    -17.2 * Math.sin(node) - 1.32 * Math.sin(2 * sun) - 0.23 * Math.sin(2 * moon) + 0.21 * Math.sin(2 * node)
  const obliquity =
    9.2 * Math.cos(node) + 0.57 * Math.cos(2 * sun) + 0.1 * Math.cos(2 * moon) - 0.09 * Math.cos(2 * node)
  const meanObliquity = 84381.406 - 46.836769 * t - 0.0001831 * t * t
  return { longitude: longitude / 3600, obliquity: obliquity / 3600, meanObliquity: meanObliquity / 3600 }
}

/**
 * Greenwich sidereal time in degrees at an MJD (UTC): mean (Capitaine et al. 2003, A&A 406, 1135), or apparent with the
 * equation of the equinoxes. `dut1` is UT1 - UTC in seconds; without it the answer may be off by 14".
 */
export function greenwichSiderealTime(mjdUtc: number, { apparent = true, dut1 = 0 } = {}): number {
  const days = mjdUtc + dut1 / 86400 - 51544.5
  // Whole days apart, or the fraction of the day would lose its digits.
  const turns = (days % 1) + 0.779057273264 + 0.00273781191135448 * days
  const t = centuries(mjdUtc)
  const drift = 0.014506 + (4612.156534 + (1.3915817 + (-0.00000044 - 0.000029956 * t) * t) * t) * t
  const { longitude, meanObliquity } = nutation(mjdUtc)
  const equinoxes = apparent ? longitude * Math.cos(meanObliquity * RADIANS) : 0
  return wrapDegrees(360 * (turns % 1) + drift / 3600 + equinoxes)
}

/** Local sidereal time in degrees; longitudes count positive towards east. */
export const localSiderealTime = (
  mjdUtc: number,
  longitudeEast: number,
  options?: { apparent?: boolean; dut1?: number },
): number => wrapDegrees(greenwichSiderealTime(mjdUtc, options) + longitudeEast)
