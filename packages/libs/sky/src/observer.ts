import { LIGHT_SPEED, LIGHT_SPEED_KM } from '@nightpipe/math'
import { type Observatory, siteState } from './earth-orientation.js'
import { barycentricState } from './ephemeris.js'
import { tdbMinusTt } from './tdb.js'
import { utcToTt } from './timescales.js'
import { type Ut1Row, ut1MinusUtc } from './ut1.js'
import { length, scaled, sum, type Vector } from './vector.js'

/** G times mass, km3/s2. */
export const GM = { sun: 1.32712440018e11, earth: 398600.4418 }

/** Who looks at what, and when. Angles in degrees. */
export interface Observation {
  /** UTC: of the flux-weighted middle of the exposure */
  mjdUtc: number
  site: Observatory
  /** ICRS, at `epoch` */
  ra: number
  dec: number
  /** Julian year of the position; 2000 where it is left out */
  epoch?: number
  /** mas/yr, `pmRa` with the cosine of the declination; 0 where left out */
  pmRa?: number
  pmDec?: number
  /** mas; 0 where unknown: the star is then infinitely far, and has no secular acceleration */
  parallax?: number
  /** m/s, of the star: it moves the star along the line of sight, an effect of the third order */
  rv?: number
  /** UT1 - UTC of one's own, instead of the table that ends in 2027 */
  ut1?: readonly Ut1Row[]
}

/** The observer on the axes of the ICRS, about the barycentre: km, km/s. */
export interface Observer {
  position: Vector
  velocity: Vector
  /** from the Sun, km */
  fromSun: Vector
  /** the observer's velocity about the Sun, km/s */
  aboutSun: Vector
  /** from the centre of the Earth, km */
  radius: number
  mjdTdb: number
  dut1: number
  predicted: boolean
}

export function observerState({ mjdUtc, site, ut1 }: Pick<Observation, 'mjdUtc' | 'site' | 'ut1'>): Observer {
  const mjdTt = utcToTt(mjdUtc)
  const mjdTdb = mjdTt + tdbMinusTt(mjdTt) / 86400
  const { dut1, predicted } = ut1MinusUtc(mjdUtc, ut1)
  const [earth, sun] = [barycentricState('earth', mjdTdb), barycentricState('sun', mjdTdb)]
  const local = siteState(site, mjdUtc, mjdTt, dut1)
  const part = (state: Float64Array, from: number): Vector => [state[from]!, state[from + 1]!, state[from + 2]!]
  const position = sum(part(earth, 0), part(local, 0))
  const velocity = sum(part(earth, 3), part(local, 3))
  const fromSun = sum(position, scaled(part(sun, 0), -1))
  const aboutSun = sum(velocity, scaled(part(sun, 3), -1))
  return { position, velocity, fromSun, aboutSun, radius: length(part(local, 0)), mjdTdb, dut1, predicted }
}

/** Gravitational blue-shift at the observer: the potential of Sun and Earth over c squared. */
export const potential = ({ fromSun, radius }: Observer) =>
  (GM.sun / length(fromSun) + GM.earth / radius) / LIGHT_SPEED_KM ** 2

/** RangeError on what cannot be: a number that is none, a place beyond the pole. */
export function requireFinite(observation: Observation): void {
  const { mjdUtc, site, ra, dec, parallax = 0, epoch = 2000, pmRa = 0, pmDec = 0, rv = 0 } = observation
  const all = { mjdUtc, ra, dec, epoch, pmRa, pmDec, parallax, rv, ...site }
  for (const [name, value] of Object.entries(all)) {
    if (!Number.isFinite(value)) throw new RangeError(`${name} is ${value}: a barycentric correction needs it`)
  }
  if (Math.abs(dec) > 90) throw new RangeError(`declination ${dec} is beyond the pole`)
  if (Math.abs(site.latitude) > 90) throw new RangeError(`latitude ${site.latitude} is beyond the pole`)
  if (parallax < 0) throw new RangeError(`parallax ${parallax} mas: a star cannot be further than infinitely far`)
  if (Math.abs(rv) >= LIGHT_SPEED) throw new RangeError(`velocity ${rv} m/s is faster than light`)
}
