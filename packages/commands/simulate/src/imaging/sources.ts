import { makeTan, type TanWcs } from '@nightpipe/sky'
import { randomOf } from '../random.js'
import type { Exposure, Night } from './night.js'
import { fieldOf } from './night.js'
import { nth, type Settings } from './schema.js'

/** Something that shines. Magnitudes are in the filter without colour. */
export interface Source {
  id: string
  kind: 'star' | 'variable' | 'transient' | 'mover'
  ra: number
  dec: number
  magnitude: number
  colour: number
  /** variable: period and moment of mean brightness; transient: moment of the flare; mover: moment of its position */
  periodHours?: number
  mjd?: number
  /** mover: east and north, arcsec per hour */
  motion?: [number, number]
}

/** Everything that shines in a field, as far as dithers and drift may bring it into a frame. */
export function sourcesOf(settings: Settings, name: string, night: Pick<Night, 'science'>): Source[] {
  const { detector, telescope, events } = settings
  const field = fieldOf(settings, name)
  const random = randomOf(settings.random.seed, 'sources', name)
  const scale = telescope['pixel scale']
  const hours = (night.science[1] - night.science[0]) * 24
  const margin = (Math.max(60, field.dither) / 2 + telescope.drift * hours + 40 * settings.sky.seeing) / scale
  const diagonal = Math.hypot(detector.width, detector.height)
  // Frames may be turned: a square that holds the frame at any angle.
  const side = (telescope.rotation % 90 === 0 ? Math.max(detector.width, detector.height) : diagonal) + 2 * margin
  const plane = fieldPlane(field.ra, field.dec, scale)
  const count = Math.round((field.stars * side * side) / (detector.width * detector.height))
  const faint = 10 ** (field.slope * (field.brightest - field.faintest))
  const stars = Array.from({ length: count }, (): Source => {
    const [ra, dec] = plane.toSky(side * random.between(-0.5, 0.5), side * random.between(-0.5, 0.5))
    const magnitude = field.faintest + Math.log10(faint + (1 - faint) * random.uniform()) / field.slope
    return { id: '', kind: 'star', ra, dec, magnitude, colour: colourOf(random.uniform()) }
  })
  const [start, end] = night.science
  const near = () => {
    const [ra, dec] = plane.toSky(
      detector.width * random.between(-0.3, 0.3),
      detector.height * random.between(-0.3, 0.3),
    )
    return { ra, dec }
  }
  const many = (howMany: number, make: () => Omit<Source, 'id'>) =>
    Array.from({ length: howMany }, (): Source => ({ id: '', ...make() }))
  const middle = field.brightest + 0.4 * (field.faintest - field.brightest)
  const special = [
    ...many(events.variables, () => {
      const mjd = start + (events.period / 24) * random.uniform()
      return { kind: 'variable', ...near(), magnitude: middle, colour: 0.4, periodHours: events.period, mjd }
    }),
    ...many(events.transients, () => {
      const mjd = start + events['transient start'] * (end - start)
      return { kind: 'transient', ...near(), magnitude: events['transient magnitude'], colour: 0.3, mjd }
    }),
    ...many(events.movers, () => {
      const angle = random.between(0, 2 * Math.PI)
      const motion = [events['mover rate'] * Math.sin(angle), events['mover rate'] * Math.cos(angle)] as [
        number,
        number,
      ]
      const magnitude = events['mover magnitude']
      return { kind: 'mover', ...near(), magnitude, colour: 0.5, mjd: (start + end) / 2, motion }
    }),
  ]
  return [...special, ...stars].map((source, k) => ({ ...source, id: `${name}-${String(k + 1).padStart(5, '0')}` }))
}

/** Most stars are red dwarfs and giants, some are blue: a skew distribution between -0.2 and 1.8. */
const colourOf = (u: number) => -0.2 + 2 * u ** 0.8 * (1 - 0.35 * u)

/** The tangent plane of a field, in pixels from its centre, north up. */
function fieldPlane(ra: number, dec: number, scale: number): TanWcs {
  const s = scale / 3600
  return makeTan({ pixel: [0, 0], sky: [ra, dec], matrix: [-s, 0, 0, s] })
}

/** Where it is at a moment. */
export function positionOf(source: Source, mjd: number): [ra: number, dec: number] {
  if (!source.motion || source.mjd === undefined) return [source.ra, source.dec]
  const hours = (mjd - source.mjd) * 24
  const dec = source.dec + (source.motion[1] * hours) / 3600
  return [source.ra + (source.motion[0] * hours) / 3600 / Math.cos((dec * Math.PI) / 180), dec]
}

/** Its magnitude in the k-th filter at a moment; undefined while it does not shine. */
export function magnitudeOf(source: Source, settings: Settings, k: number, mjd: number): number | undefined {
  const { events, filters } = settings
  const magnitude = source.magnitude + nth(filters.colour, k) * source.colour
  if (source.kind === 'variable') {
    const phase = ((mjd - source.mjd!) * 24) / source.periodHours!
    return magnitude + 0.5 * events.amplitude * Math.sin(2 * Math.PI * phase)
  }
  if (source.kind !== 'transient') return magnitude
  const minutes = (mjd - source.mjd!) * 1440
  // The first minute is not resolved.
  return minutes <= 0 ? undefined : magnitude + 2.5 * events['fading index'] * Math.log10(Math.max(1, minutes) / 10)
}

/** The plate solution of a frame, for pixels binned by `binning`; (0, 0) is the centre of the first. */
export function wcsOf(settings: Settings, { conditions }: Pick<Exposure, 'conditions'>, binning: number): TanWcs {
  if (!conditions) throw new RangeError('only frames of the sky have a plate solution')
  const { detector, telescope } = settings
  const s = (telescope['pixel scale'] * binning) / 3600
  const angle = (telescope.rotation * Math.PI) / 180
  const [c, d] = [s * Math.cos(angle), s * Math.sin(angle)]
  const turn = telescope.mirrored ? -1 : 1
  return makeTan({
    pixel: [(detector.width / binning - 1) / 2, (detector.height / binning - 1) / 2],
    sky: [conditions.ra, conditions.dec],
    matrix: [-turn * c, d, turn * d, c],
  })
}
