import { wrapDegrees } from './angles.js'
import { precession } from './precession.js'
import { centuries, localSiderealTime, nutation } from './sidereal.js'
import { type Direction, RADIANS } from './sphere.js'

/** A place on Earth: degrees, longitude positive towards east. */
export interface Site {
  latitude: number
  longitude: number
}

/** Degrees: azimuth from north through east, altitude above the horizon without refraction. */
export interface Horizontal {
  azimuth: number
  altitude: number
}

/** The speed of the Earth over that of light. */
const ABERRATION = 9.9365e-5

/**
 * The apparent right ascension and declination of date: precession, the four largest terms of nutation, and annual
 * aberration. Good to 1".
 */
export function apparentOfDate([ra, dec]: Direction, mjdUtc: number): Direction {
  const t = centuries(mjdUtc)
  const [x, y, z] = aberrated(unitVector(ra, dec), t)
  const p = precession(2000, 2000 + 100 * t)
  const mean = [0, 3, 6].map((row) => p[row] * x + p[row + 1] * y + p[row + 2] * z)
  const { longitude, obliquity, meanObliquity } = nutation(mjdUtc)
  // Nutation: to the ecliptic, along it, and back by the true obliquity.
  const ecliptic = turnAboutX(mean, meanObliquity)
  const [s, c] = [Math.sin(longitude * RADIANS), Math.cos(longitude * RADIANS)]
  const moved = [c * ecliptic[0] - s * ecliptic[1], s * ecliptic[0] + c * ecliptic[1], ecliptic[2]]
  const [ax, ay, az] = turnAboutX(moved, -(meanObliquity + obliquity))
  return [wrapDegrees(Math.atan2(ay, ax) / RADIANS), Math.atan2(az, Math.hypot(ax, ay)) / RADIANS]
}

function turnAboutX([x, y, z]: readonly number[], degrees: number): number[] {
  const [s, c] = [Math.sin(degrees * RADIANS), Math.cos(degrees * RADIANS)]
  return [x, c * y + s * z, c * z - s * y]
}

function unitVector(ra: number, dec: number): [number, number, number] {
  const c = Math.cos(dec * RADIANS)
  return [c * Math.cos(ra * RADIANS), c * Math.sin(ra * RADIANS), Math.sin(dec * RADIANS)]
}

/** The direction as the moving Earth sees it; its velocity from the Sun's longitude on an elliptic orbit. */
function aberrated([x, y, z]: readonly number[], t: number): number[] {
  const mean = 280.46646 + 36000.76983 * t
  const anomaly = (357.52911 + 35999.05029 * t) * RADIANS
  const sun = (mean + 1.9146 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * RADIANS
  const perihelion = (102.93735 + 1.71953 * t) * RADIANS
  const e = 0.016708634
  const [vx, along] = [
    ABERRATION * (Math.sin(sun) - e * Math.sin(perihelion)),
    -ABERRATION * (Math.cos(sun) - e * Math.cos(perihelion)),
  ]
  const tilt = 23.4392911 * RADIANS
  return [x + vx, y + along * Math.cos(tilt), z + along * Math.sin(tilt)]
}

/** Where an ICRS direction stands above a site at an MJD (UTC): to 1", if UT1 - UTC is given as `dut1` (else 14"). */
export function toHorizontal(direction: Direction, mjdUtc: number, site: Site, { dut1 = 0 } = {}): Horizontal {
  const [ra, dec] = apparentOfDate(direction, mjdUtc)
  const hourAngle = (localSiderealTime(mjdUtc, site.longitude, { dut1 }) - ra) * RADIANS
  const [sd, cd] = [Math.sin(dec * RADIANS), Math.cos(dec * RADIANS)]
  const [sl, cl] = [Math.sin(site.latitude * RADIANS), Math.cos(site.latitude * RADIANS)]
  const north = sd * cl - cd * sl * Math.cos(hourAngle)
  const east = -cd * Math.sin(hourAngle)
  const up = sd * sl + cd * cl * Math.cos(hourAngle)
  return {
    azimuth: wrapDegrees(Math.atan2(east, north) / RADIANS),
    altitude: Math.atan2(up, Math.hypot(north, east)) / RADIANS,
  }
}

/** Air mass at an altitude without refraction, in degrees (Young 1994, Appl. Opt. 33, 1108); NaN below the horizon. */
export function airmass(altitude: number): number {
  if (!(altitude >= 0)) return Number.NaN
  const c = Math.sin(altitude * RADIANS)
  return (1.002432 * c * c + 0.148386 * c + 0.0096467) / (c * c * c + 0.149864 * c * c + 0.0102963 * c + 0.000303978)
}

/** The angle at a direction from north, through east, to the zenith: degrees from -180 to 180. */
export function parallacticAngle(direction: Direction, mjdUtc: number, site: Site, options = {}): number {
  const [ra, dec] = apparentOfDate(direction, mjdUtc)
  const hourAngle = (localSiderealTime(mjdUtc, site.longitude, options) - ra) * RADIANS
  const [sl, cl] = [Math.sin(site.latitude * RADIANS), Math.cos(site.latitude * RADIANS)]
  const down = sl * Math.cos(dec * RADIANS) - cl * Math.sin(dec * RADIANS) * Math.cos(hourAngle)
  return Math.atan2(cl * Math.sin(hourAngle), down) / RADIANS
}
