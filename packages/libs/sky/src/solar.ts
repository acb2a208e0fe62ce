import { LIGHT_SPEED, LIGHT_SPEED_KM } from '@nightpipe/math'
import { barycentricState } from './ephemeris.js'
import { type Observation, type Observer, observerState, potential } from './observer.js'
import { dot, length, scaled, sum, unit, type Vector } from './vector.js'

/** What takes the velocity of sunlight (the Sun itself, or daylight) to the rest frame of the Sun. */
export interface SolarCorrection {
  /** 1 + z_true = (1 + z_measured) (1 + z) */
  z: number
  /** c z, m/s */
  velocity: number
  /** c z without the Sun's own motion about the barycentre (some 15 m/s): what Wright & Kanodia 2020 call the true velocity, m/s */
  toBarycentre: number
  /** when the light left the Sun: MJD and JD in TDB */
  mjdTdb: number
  bjdTdb: number
}

/**
 * The correction for the Sun as a target: the motion of the site about the Sun as it was when the light left, relativity
 * and the gravity at the site; the gravity of the Sun's own surface (636 m/s) stays in the velocity, as for every star.
 * For daylight and the Sun itself; the Moon and asteroids add the motion of the mirror, which is not in here.
 */
export function solarCorrection(observation: Pick<Observation, 'mjdUtc' | 'site' | 'ut1'>): SolarCorrection {
  const observer = observerState(observation)
  const { sun, delay } = sunSeenBy(observer)
  const direction = unit(sum(positionOf(sun), scaled(observer.position, -1)))
  const [here, there] = [observer.velocity, velocityOf(sun)].map((v) => scaled(v, 1 / LIGHT_SPEED_KM)) as [
    Vector,
    Vector,
  ]
  const gamma = Math.sqrt((1 - dot(there, there)) / (1 - dot(here, here)))
  const arrived = (1 + dot(here, direction)) * (1 + potential(observer))
  const z = (gamma * arrived) / (1 + dot(there, direction)) - 1
  const mjdTdb = observer.mjdTdb - delay / 86400
  return {
    z,
    velocity: z * LIGHT_SPEED,
    toBarycentre: (gamma * arrived - 1) * LIGHT_SPEED,
    mjdTdb,
    bjdTdb: mjdTdb + 2400000.5,
  }
}

/** The Sun at the moment its light left, some 499 s ago. */
function sunSeenBy(observer: Observer): { sun: Float64Array; delay: number } {
  let delay = 499
  let sun = barycentricState('sun', observer.mjdTdb)
  for (let k = 0; k < 3; k++) {
    sun = barycentricState('sun', observer.mjdTdb - delay / 86400)
    delay = length(sum(positionOf(sun), scaled(observer.position, -1))) / LIGHT_SPEED_KM
  }
  return { sun, delay }
}

const positionOf = (state: Float64Array): Vector => [state[0]!, state[1]!, state[2]!]
const velocityOf = (state: Float64Array): Vector => [state[3]!, state[4]!, state[5]!]
