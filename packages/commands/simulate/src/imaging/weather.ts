import { power } from '@nightpipe/math'
import { randomOf, smoothOf } from '../random.js'
import type { Exposure } from './night.js'
import { fieldNames, fieldOf } from './night.js'
import { nth, type Settings } from './schema.js'

/** What the sky and the telescope do during one frame. Pixels are unbinned. */
export interface Conditions {
  /** true centre of the frame at mid-exposure, and what the header says; degrees */
  ra: number
  dec: number
  headerRa: number
  headerDec: number
  /** full width at half maximum in the middle of the frame, arcsec */
  seeing: number
  /** 1 - minor / major axis, and the direction of the major axis from x towards y, radians */
  ellipticity: number
  angle: number
  /** part of the light that comes through clouds */
  transparency: number
  /** electrons per second in a pixel, in the middle of the frame */
  sky: number
  /** of the sky, from the middle to an edge, towards x and y */
  gradient: [number, number]
  fringes: number
  /** how far stars move during the exposure: towards east and north, arcsec */
  trail: [number, number]
  satellites: number
}

type Timed = Omit<Exposure, 'conditions'>

/** The conditions of each frame. All that changes in time is smooth and follows the clock, not the order of frames. */
export function weatherOf(settings: Settings, frames: readonly Timed[]) {
  const { random, sky, telescope, events } = settings
  const { seed } = random
  const objects = frames.filter(({ type }) => type === 'object')
  const trailed = pick(seed, 'trailed', objects, telescope['trailed frames'])
  const crossed = pick(seed, 'satellites', objects, events.satellites)
  const seeing = smoothOf(seed, 'seeing')
  const clouds = smoothOf(seed, 'clouds')
  const zero = frames[0]?.mjd ?? 0
  const heading = randomOf(seed, 'drift').between(0, 2 * Math.PI)
  return (frame: Timed): { conditions?: Conditions } => {
    const { type, seconds, mjd, name } = frame
    if (type !== 'flat' && type !== 'object') return {}
    const own = randomOf(seed, 'frame', name)
    const hours = (mjd - zero) * 24
    const tilt = own.between(0, 2 * Math.PI)
    const even = type === 'flat' && settings.noise.noiseless
    const slope = even ? 0 : type === 'flat' ? settings.flat.gradient : sky.gradient
    const path = driftOf(settings, frame, objects, heading)
    const extra = trailed.has(name) ? telescope['trail length'] : 0
    const trailAngle = heading + own.normal()
    return {
      conditions: {
        ...pointingOf(settings, frame, path.at),
        seeing: sky.seeing * Math.exp(sky['seeing scatter'] * (0.8 * seeing(hours / 0.4) + 0.6 * own.normal())),
        ellipticity: Math.min(0.9, sky.ellipticity * Math.exp(0.4 * own.normal())),
        angle: own.between(0, Math.PI),
        transparency: power(10, -0.4 * sky.clouds * power(Math.max(0, clouds((hours * 60) / sky['cloud time'])), 1.5)),
        sky: skyRate(settings, frame),
        gradient: [slope * Math.cos(tilt), slope * Math.sin(tilt)],
        fringes: type === 'flat' ? 0 : nth(settings.filters.fringes, filterIndex(settings, frame)),
        trail: [
          (path.rate[0] * seconds) / 3600 + extra * Math.sin(trailAngle),
          (path.rate[1] * seconds) / 3600 + extra * Math.cos(trailAngle),
        ],
        satellites: crossed.has(name) ? 1 : 0,
      },
    }
  }
}

export const filterIndex = ({ filters }: Settings, { filter }: { filter?: string }) =>
  Math.max(0, filters.names.indexOf(filter ?? ''))

/** `count` of the frames, by lot. */
function pick(seed: number, what: string, frames: readonly Timed[], count: number): Set<string> {
  const random = randomOf(seed, 'chosen', what)
  const lots = frames.map(({ name }) => ({ name, lot: random.uniform() }))
  return new Set(
    lots
      .sort((a, b) => a.lot - b.lot)
      .slice(0, count)
      .map(({ name }) => name),
  )
}

function skyRate(settings: Settings, frame: Timed): number {
  if (frame.type === 'flat') return (frame.level ?? 0) / frame.seconds
  const k = filterIndex(settings, frame)
  const { filters, telescope } = settings
  return power(10, 0.4 * (nth(filters['zero point'], k) - nth(filters.sky, k))) * telescope['pixel scale'] ** 2
}

/** East and north, arcsec: where the drift has brought the field at mid-exposure, and how fast it goes, per hour. */
function driftOf({ telescope }: Settings, frame: Timed, objects: readonly Timed[], heading: number) {
  const rate = [telescope.drift * Math.sin(heading), telescope.drift * Math.cos(heading)] as [number, number]
  const first = objects.find(({ field }) => field === frame.field)
  const hours = first && frame.type === 'object' ? (frame.mjd - first.mjd) * 24 + frame.seconds / 7200 : 0
  return { rate, at: [rate[0] * hours, rate[1] * hours] as [number, number] }
}

/** Dithers are drawn for each frame; a telescope takes new flats between stars of their own place. */
function pointingOf(settings: Settings, frame: Timed, [east, north]: [number, number]) {
  const { ra, dec, dither } = fieldOf(settings, frame.field ?? fieldNames(settings)[0]!)
  const own = randomOf(settings.random.seed, 'pointing', frame.name)
  const size = frame.type === 'flat' ? Math.max(60, dither) : dither
  const shift = [east + size * own.between(-0.5, 0.5), north + size * own.between(-0.5, 0.5)] as const
  const error = settings.telescope['pointing error']
  const centre = offset(ra, dec, ...shift)
  const header = offset(centre.ra, centre.dec, error * own.normal(), error * own.normal())
  return { ...centre, headerRa: header.ra, headerDec: header.dec }
}

/** A position moved by arcseconds of the sky; near enough for dithers, and the true centre is what comes out. */
function offset(ra: number, dec: number, east: number, north: number) {
  const moved = Math.min(89.999, Math.max(-89.999, dec + north / 3600))
  const turn = east / 3600 / Math.cos((moved * Math.PI) / 180)
  return { ra: (((ra + turn) % 360) + 360) % 360, dec: moved }
}
