import { LIGHT_SPEED_KM, power } from '@nightpipe/math'
import { GM, type Observation, type Observer, observerState, potential, requireFinite } from './observer.js'
import { RADIANS } from './sphere.js'
import { cross, dot, length, scaled, sum, unit, type Vector } from './vector.js'

const AU = 149597870.7 // km
const YEAR = 365.25 * 86400
const MAS = RADIANS / 3.6e6
const PARSEC = AU / (1000 * MAS) // km

/** What takes a measured velocity to the barycentre of the Solar System. */
export interface BarycentricCorrection {
  /** true redshift of the star: 1 + z_true = (1 + z_measured) (1 + z) */
  z: number
  /** the same as a velocity, c z, m/s: positive when the observer moves towards the star */
  velocity: number
  /** the part of `velocity` that comes from the star's own motion across the sky since `epoch`, m/s: the secular acceleration */
  secular: number
  /** when the light would have passed the barycentre: MJD and JD in TDB */
  mjdTdb: number
  bjdTdb: number
  /** UT1 - UTC, s; `predicted` where no measurement was at hand */
  dut1: number
  predicted: boolean
}

/**
 * The barycentric correction of Wright & Eastman 2014 (PASP 126, 838), eq. 28, with all of its effects: the motion of the
 * Earth and of the site, special relativity, the gravity of Sun and Earth, proper motion, parallax, secular acceleration,
 * light travel, Shapiro delay. Good to 0.5 cm/s from 1990 to 2060; the time to 20 microseconds. RangeError on impossible
 * input.
 */
export function barycentricCorrection(observation: Observation): BarycentricCorrection {
  requireFinite(observation)
  const { parallax = 0 } = observation
  const observer = observerState(observation)
  const { toObserver, toStar, atEpoch, across, years } = starOf(observation, observer)
  const beta = scaled(observer.velocity, 1 / LIGHT_SPEED_KM)
  const gamma = 1 / Math.sqrt(1 - dot(beta, beta))
  const moving = gamma * (1 + dot(beta, toObserver)) * (1 + potential(observer))
  const { secular, lightTravel } = starMotion(observation, { atEpoch, toObserver, across, years })
  const z = (moving * secular) / ((1 + lightTravel) * (1 + shapiroRate(observer, toStar))) - 1
  const mjdTdb = observer.mjdTdb + lightTime(observer.position, toStar, parallax) / 86400
  return {
    z,
    velocity: z * LIGHT_SPEED_KM * 1000,
    secular: (secular - 1) * LIGHT_SPEED_KM * 1000,
    mjdTdb,
    bjdTdb: mjdTdb + 2400000.5,
    dut1: observer.dut1,
    predicted: observer.predicted,
  }
}

/** Where the star is: unit vectors at its epoch, now from the barycentre, now from the observer; its motion, radians a year. */
function starOf({ ra, dec, epoch = 2000, pmRa = 0, pmDec = 0, parallax = 0, rv = 0 }: Observation, observer: Observer) {
  const [sa, ca] = [Math.sin(ra * RADIANS), Math.cos(ra * RADIANS)]
  const [sd, cd] = [Math.sin(dec * RADIANS), Math.cos(dec * RADIANS)]
  const atEpoch: Vector = [cd * ca, cd * sa, sd]
  const east: Vector = [-sa, ca, 0]
  const north = cross(atEpoch, east)
  const across = sum(scaled(east, pmRa * MAS), scaled(north, pmDec * MAS))
  const years = 2000 + (observer.mjdTdb - 51544.5) / 365.25 - epoch
  const outward = parallax > 0 ? ((rv / 1000) * YEAR * parallax) / (1000 * PARSEC) : 0
  const toStar = unit(sum(atEpoch, scaled(sum(across, scaled(atEpoch, outward)), years)))
  const seen = parallax > 0 ? sum(toStar, scaled(observer.position, -parallax / (1000 * PARSEC))) : toStar
  return { atEpoch, across, years, toStar, toObserver: unit(seen) }
}

/** What the star's own motion does: its changing direction (secular acceleration), and the changing light path. */
function starMotion(
  { parallax = 0, rv = 0 }: Observation,
  star: { atEpoch: Vector; toObserver: Vector; across: Vector; years: number },
): { secular: number; lightTravel: number } {
  if (!(parallax > 0)) return { secular: 1, lightTravel: 0 }
  const distance = (1000 * PARSEC) / parallax
  const along = scaled(star.atEpoch, rv / 1000 / LIGHT_SPEED_KM)
  const velocity = sum(scaled(star.across, distance / (LIGHT_SPEED_KM * YEAR)), along)
  const secular = (1 + dot(velocity, star.atEpoch)) / (1 + dot(velocity, star.toObserver))
  const turning = dot(star.across, star.across) / YEAR ** 2
  const lightTravel = ((rv / 1000) * distance * turning * star.years * YEAR) / LIGHT_SPEED_KM ** 2
  return { secular, lightTravel }
}

/** The changing delay of light that passes the Sun, seconds a second. */
function shapiroRate({ fromSun, aboutSun }: Observer, toStar: Vector): number {
  const r = length(fromSun)
  const closing = (dot(aboutSun, fromSun) / r + dot(aboutSun, toStar)) / Math.max(r + dot(fromSun, toStar), 7e5)
  return ((-2 * GM.sun) / power(LIGHT_SPEED_KM, 3)) * closing
}

/** Seconds from the observer to the barycentre for light of the star: the plane wave, and the bend of a near star's. */
function lightTime(position: Vector, toStar: Vector, parallax: number): number {
  const along = dot(position, toStar)
  const curvature = parallax > 0 ? ((dot(position, position) - along * along) * parallax) / (2000 * PARSEC) : 0
  return (along - curvature) / LIGHT_SPEED_KM
}
