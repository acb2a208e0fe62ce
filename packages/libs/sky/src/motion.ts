import { type Direction, RADIANS } from './sphere.js'

const RADIANS_PER_MAS = RADIANS / 3.6e6

/**
 * Where a star is after some Julian years, from its proper motion in mas/yr (`pmRa` with the cosine of the declination).
 * It moves along a great circle, as standing at a constant distance in a straight line. A motion that is not known (NaN)
 * is taken as none.
 */
export function moveStar([ra, dec]: Direction, pmRa: number, pmDec: number, years: number): Direction {
  const east = pmRa * years * RADIANS_PER_MAS
  const north = pmDec * years * RADIANS_PER_MAS
  if (!(east !== 0 || north !== 0) || Number.isNaN(east + north)) return [ra, dec]
  const [sa, ca] = [Math.sin(ra * RADIANS), Math.cos(ra * RADIANS)]
  const [sd, cd] = [Math.sin(dec * RADIANS), Math.cos(dec * RADIANS)]
  const x = cd * ca - sa * east - sd * ca * north
  const y = cd * sa + ca * east - sd * sa * north
  const z = sd + cd * north
  const longitude = Math.atan2(y, x) / RADIANS
  return [longitude < 0 ? longitude + 360 : longitude, Math.atan2(z, Math.hypot(x, y)) / RADIANS]
}

/** The Julian year of an MJD (TT; UTC is near enough): 2000.0 is 51544.5. */
export const julianYear = (mjd: number): number => 2000 + (mjd - 51544.5) / 365.25
