import { precession } from './precession.js'
import { RADIANS } from './sphere.js'

/** Multiples of l, l', F, D and the node, then longitude (sine) and obliquity (cosine) in 1e-7 arcsec: IAU 2000B, to 0.01". */
const NUTATION = [
  [0, 0, 0, 0, 1, -172064161, 92052331],
  [0, 0, 2, -2, 2, -13170906, 5730336],
  [0, 0, 2, 0, 2, -2276413, 978459],
  [0, 0, 0, 0, 2, 2074554, -897492],
  [0, 1, 0, 0, 0, 1475877, 73871],
  [0, 1, 2, -2, 2, -516821, 224386],
  [1, 0, 0, 0, 0, 711159, -6750],
  [0, 0, 2, 0, 1, -387298, 200728],
  [1, 0, 2, 0, 2, -301461, 129025],
  [0, -1, 2, -2, 2, 215829, -95929],
  [0, 0, 2, -2, 1, 128227, -68982],
  [-1, 0, 2, 0, 2, 123457, -53311],
  [-1, 0, 0, 2, 0, 156994, -1235],
] as const

/** Degrees: nutation in longitude and obliquity (McCarthy & Luzum 2003, CeMDA 85, 37), and the mean obliquity. */
export function nutationOf(mjdTt: number): { longitude: number; obliquity: number; mean: number } {
  const t = (mjdTt - 51544.5) / 36525
  const arguments_ = [
    485868.249036 + 1717915923.2178 * t,
    1287104.79305 + 129596581.0481 * t,
    335779.526232 + 1739527262.8478 * t,
    1072260.70369 + 1602961601.209 * t,
    450160.398036 - 6962890.5431 * t,
  ].map((seconds) => ((seconds % 1296000) / 3600) * RADIANS)
  let longitude = 0
  let obliquity = 0
  for (const term of NUTATION) {
    let angle = 0
    for (let k = 0; k < 5; k++) angle += term[k]! * arguments_[k]!
    longitude += term[5] * Math.sin(angle)
    obliquity += term[6] * Math.cos(angle)
  }
  const mean = 84381.406 - 46.836769 * t - 0.0001831 * t * t
  return { longitude: longitude / 3.6e10, obliquity: obliquity / 3.6e10, mean: mean / 3600 }
}

/** Where the Earth's rotation stands: Greenwich apparent sidereal time (radians) at an MJD (UTC), with UT1 - UTC in seconds. */
function siderealAngle(mjdUtc: number, mjdTt: number, dut1: number): number {
  const days = mjdUtc + dut1 / 86400 - 51544.5
  const turns = (days % 1) + 0.779057273264 + 0.00273781191135448 * days
  const t = (mjdTt - 51544.5) / 36525
  const drift = 0.014506 + (4612.156534 + (1.3915817 + (-0.00000044 - 0.000029956 * t) * t) * t) * t
  const { longitude, mean } = nutationOf(mjdTt)
  return 2 * Math.PI * (turns % 1) + (drift / 3600 + longitude * Math.cos(mean * RADIANS)) * RADIANS
}

/** The Earth turns by this many radians a second (IERS 2010). */
const ROTATION = 7.292115e-5

/** A place on Earth: degrees, longitude positive towards east; metres above the ellipsoid of WGS 84. */
export interface Observatory {
  latitude: number
  longitude: number
  height: number
}

/** Kilometres from the Earth's centre in the frame that turns with it: from the axis, and along it (WGS 84). */
export function geocentric({ latitude, height }: Observatory): { fromAxis: number; along: number } {
  const [equator, squash] = [6378.137, 1 / 298.257223563]
  const [s, c] = [Math.sin(latitude * RADIANS), Math.cos(latitude * RADIANS)]
  const polar = (1 - squash) ** 2
  const bend = equator / Math.sqrt(c * c + polar * s * s)
  return { fromAxis: (bend + height / 1000) * c, along: (bend * polar + height / 1000) * s }
}

/**
 * Position (km) and velocity (km/s) of a site about the Earth's centre, on the axes of the ICRS: precession (Capitaine et
 * al. 2003), nutation, rotation by UT1. Without polar motion (0.3", 10 m, 0.07 cm/s at most).
 */
export function siteState(site: Observatory, mjdUtc: number, mjdTt: number, dut1: number): Float64Array {
  const { fromAxis, along } = geocentric(site)
  const angle = siderealAngle(mjdUtc, mjdTt, dut1) + site.longitude * RADIANS
  const [x, y] = [fromAxis * Math.cos(angle), fromAxis * Math.sin(angle)]
  const position = toIcrs([x, y, along], mjdTt)
  const velocity = toIcrs([-ROTATION * y, ROTATION * x, 0], mjdTt)
  return Float64Array.of(...position, ...velocity)
}

/** From the true equator and equinox of date to the axes of the ICRS. */
function toIcrs(vector: readonly number[], mjdTt: number): number[] {
  const { longitude, obliquity, mean } = nutationOf(mjdTt)
  const ecliptic = aboutX(vector, mean + obliquity)
  const [s, c] = [Math.sin(longitude * RADIANS), Math.cos(longitude * RADIANS)]
  const still = [c * ecliptic[0]! + s * ecliptic[1]!, -s * ecliptic[0]! + c * ecliptic[1]!, ecliptic[2]!]
  const [x, y, z] = aboutX(still, -mean)
  const p = precession(2000, 2000 + (mjdTt - 51544.5) / 365.25)
  return [0, 1, 2].map((column) => p[column]! * x! + p[3 + column]! * y! + p[6 + column]! * z!)
}

/** Coordinates on axes turned about x by an angle in degrees. */
function aboutX([x, y, z]: readonly number[], degrees: number): number[] {
  const [s, c] = [Math.sin(degrees * RADIANS), Math.cos(degrees * RADIANS)]
  return [x!, c * y! + s * z!, c * z! - s * y!]
}
