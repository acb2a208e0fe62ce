import { wrapDegrees } from './angles.js'

export const RADIANS = Math.PI / 180

/** A direction on the sky in degrees: right ascension and declination, or longitude and latitude. */
export type Direction = [longitude: number, latitude: number]

/** The angle between two directions in degrees, exact from zero to 180 (Vincenty 1975, Survey Review 23, 88). */
export function angularSeparation([a1, d1]: Direction, [a2, d2]: Direction): number {
  const [s1, c1, s2, c2] = [
    Math.sin(d1 * RADIANS),
    Math.cos(d1 * RADIANS),
    Math.sin(d2 * RADIANS),
    Math.cos(d2 * RADIANS),
  ]
  const [sa, ca] = [Math.sin((a2 - a1) * RADIANS), Math.cos((a2 - a1) * RADIANS)]
  return Math.atan2(Math.hypot(c2 * sa, c1 * s2 - s1 * c2 * ca), s1 * s2 + c1 * c2 * ca) / RADIANS
}

/** The position angle of the second direction seen from the first, degrees from north through east. */
export function positionAngle([a1, d1]: Direction, [a2, d2]: Direction): number {
  const a = (a2 - a1) * RADIANS
  const y = Math.sin(a) * Math.cos(d2 * RADIANS)
  const x =
    Math.cos(d1 * RADIANS) * Math.sin(d2 * RADIANS) - Math.sin(d1 * RADIANS) * Math.cos(d2 * RADIANS) * Math.cos(a)
  return wrapDegrees(Math.atan2(y, x) / RADIANS)
}

/** The galactic pole and the galactic longitude of the celestial pole, J2000 (Blaauw et al. 1960, MNRAS 121, 123). */
const POLE: Direction = [192.85948, 27.12825]
const NODE = 122.93192

/** Galactic longitude and latitude of an ICRS (J2000) direction. */
export function toGalactic([ra, dec]: Direction): Direction {
  const [l, b] = rotate(ra - POLE[0], dec)
  return [wrapDegrees(NODE - l), b]
}

/** ICRS (J2000) right ascension and declination of a galactic direction. */
export function fromGalactic([l, b]: Direction): Direction {
  const [a, dec] = rotate(NODE - l, b)
  return [wrapDegrees(a + POLE[0]), dec]
}

/** The turn between the two systems is its own inverse when longitudes are counted from the poles' meridian. */
function rotate(longitude: number, latitude: number): Direction {
  const [sp, cp] = [Math.sin(POLE[1] * RADIANS), Math.cos(POLE[1] * RADIANS)]
  const [s, c] = [Math.sin(latitude * RADIANS), Math.cos(latitude * RADIANS)]
  const [sa, ca] = [Math.sin(longitude * RADIANS), Math.cos(longitude * RADIANS)]
  const x = s * cp - c * sp * ca
  const y = c * sa
  const z = s * sp + c * cp * ca
  return [Math.atan2(y, x) / RADIANS, Math.atan2(z, Math.hypot(x, y)) / RADIANS]
}
