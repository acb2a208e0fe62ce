import { LIGHT_SPEED, LIGHT_SPEED_KM, power } from '@nightpipe/math'
import { barycentricCorrection } from '@nightpipe/sky'
import { randomOf, smoothOf } from '../random.js'
import { type Exposure, starOf } from './night.js'
import type { Settings } from './schema.js'

/** km/s */
/** Where the image lies on the detector in one frame, in pixels. */
export interface Drift {
  along: number
  across: number
  /** at the ends of the orders, on top of `along` */
  stretch: number
  /** of each fibre against that of the lamp, along the dispersion */
  fibres: number[]
}

/** The image wanders from the start of the first night on, and is set anew every night. */
export function driftOf(settings: Settings, frame: Exposure, zeroMjd: number): Drift {
  const { drift, random, fibres } = settings
  const time = ((frame.mjd + frame.seconds / 172800 - zeroMjd) * 24) / drift.hours
  const wander = (name: string) => smoothOf(random.seed, 'drift', name, frame.night)(time)
  const night = randomOf(random.seed, 'night', frame.night)
  const [along, across] = [night.normal(), night.normal()].map((value) => drift.nights * value) as [number, number]
  const own = randomOf(random.seed, 'differential', frame.name)
  return {
    along: along + drift.along * wander('along'),
    across: across + drift.across * wander('across'),
    stretch: drift.stretch * wander('stretch'),
    fibres: Array.from({ length: fibres.count }, (_, k) => (k === fibres.arc ? 0 : drift.differential * own.normal())),
  }
}

/** What the exposure meter sees while a star is observed. */
export interface Series {
  /** MJD (UTC) at the start of each sample */
  start: Float64Array
  seconds: number[]
  /** share of the light that comes through the clouds */
  transparency: Float64Array
  /** of the whole exposure */
  mean: number
  /** MJD (UTC), weighted by the light */
  middle: number
}

/** Clouds, sample by sample; behind thick clouds (the fault) hardly any light comes. */
export function seriesOf(settings: Settings, frame: Exposure): Series {
  const { sky, random } = settings
  const interval = settings['exposure meter'].interval
  const n = Math.max(1, Math.ceil(frame.seconds / interval))
  const clouds = smoothOf(random.seed, 'clouds', frame.night)
  const start = Float64Array.from({ length: n }, (_, k) => frame.mjd + (k * interval) / 86400)
  const seconds = Array.from(start, (_, k) => Math.min(interval, frame.seconds - k * interval))
  const transparency = start.map((mjd, k) => {
    const at = (mjd - Math.floor(frame.mjd) + seconds[k]! / 172800) * 1440
    const magnitudes = sky.clouds * Math.max(0, 0.3 + clouds(at / sky['cloud time'])) * 0.7
    return power(10, -0.4 * (magnitudes + (frame.fault === 'clouds' ? 7 : 0)))
  })
  let [sum, weighted, total] = [0, 0, 0]
  for (let k = 0; k < n; k++) {
    sum += transparency[k]! * seconds[k]!
    total += seconds[k]!
    weighted += transparency[k]! * seconds[k]! * (start[k]! - frame.mjd + seconds[k]! / 172800)
  }
  const middle = frame.mjd + (sum > 0 ? weighted / sum : frame.seconds / 172800)
  return { start, seconds, transparency, mean: total > 0 ? sum / total : 1, middle }
}

/** Counts of the exposure meter, for each fibre. */
export function meterCounts(settings: Settings, frame: Exposure, series: Series): Int32Array[] {
  const { rate, background } = settings['exposure meter']
  const random = randomOf(settings.random.seed, 'exposure meter', frame.name)
  const peak = frame.star === undefined ? 0 : starOf(settings, frame.star).peak
  return frame.light.map((light) =>
    Int32Array.from(series.transparency, (through, k) => {
      const star = light === 'star' ? (rate * peak * through * series.seconds[k]!) / (1e4 * (frame.seconds || 1)) : 0
      return random.poisson(background + star)
    }),
  )
}

/** Velocity of the star towards the Sun's rest frame, and of the site: the mean over the light. */
export interface Motion {
  /** km/s */
  star: number
  barycentric: number
  /** λ as seen over λ at rest: (1 + z seen) (1 + z site) = 1 + z star */
  stretch: number
  /** when the light of the middle of the exposure would have passed the barycentre */
  bjdTdb: number
}

/** Light and its middle, MJD, in pieces of an exposure. */
function piecesOf({ start, seconds, transparency }: Series): { light: number; mjd: number }[] {
  const n = start.length
  return Array.from({ length: Math.min(n, PIECES) }, (_, piece) => {
    const [from, to] = [piece, piece + 1].map((k) => Math.round((k * n) / Math.min(n, PIECES))) as [number, number]
    let [light, moment] = [0, 0]
    for (let k = from; k < to; k++) {
      const here = transparency[k]! * seconds[k]!
      light += here
      moment += here * (start[k]! - start[from]! + seconds[k]! / 172800)
    }
    return { light, mjd: start[from]! + (light > 0 ? moment / light : 0) }
  })
}

/** Pieces of an exposure, through each of which the site moves evenly: an hour leaves 1 cm/s. */
const PIECES = 12

export function motionOf(settings: Settings, frame: Exposure, series: Series): Motion | undefined {
  if (frame.star === undefined) return undefined
  const star = starOf(settings, frame.star)
  const { site } = settings
  const observation = {
    site: { latitude: site.latitude, longitude: site.longitude, height: site.height },
    ra: star.ra,
    dec: star.dec,
    epoch: star.epoch,
    pmRa: star['motion ra'],
    pmDec: star['motion dec'],
    parallax: star.parallax,
    rv: 1000 * star.velocity,
  }
  const { secular, bjdTdb } = barycentricCorrection({ mjdUtc: series.middle, ...observation })
  let [sum, z] = [0, 0]
  for (const { light, mjd } of piecesOf(series)) {
    sum += light
    z += light * (light > 0 ? barycentricCorrection({ mjdUtc: mjd, ...observation }).z : 0)
  }
  z = sum > 0 ? z / sum : barycentricCorrection({ mjdUtc: series.middle, ...observation }).z
  // The velocity of the settings is that of the moment: what changes it in the course of years is not the site's motion.
  const ofSite = (1 + z) / (1 + secular / LIGHT_SPEED) - 1
  const shift = star.barycentric === undefined ? ofSite : star.barycentric / LIGHT_SPEED_KM
  return {
    star: star.velocity,
    barycentric: shift * LIGHT_SPEED_KM,
    stretch: (1 + star.velocity / LIGHT_SPEED_KM) / (1 + shift),
    bjdTdb,
  }
}
