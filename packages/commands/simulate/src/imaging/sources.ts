import { power } from '@nightpipe/math'
import { julianYear, makeTan, makeWcs, moveStar, type TanWcs, type Wcs } from '@nightpipe/sky'
import { type Random, randomOf } from '../random.js'
import { catalogueStars } from './catalogue-stars.js'
import type { Exposure, Night } from './night.js'
import { fieldOf } from './night.js'
import { distortionOf } from './optics.js'
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
  /** star: proper motion in mas/yr, the first with cos(dec); its position is then that of the reference epoch */
  proper?: [number, number]
}

/** The seed of the stars: of the night, unless several nights share a field. */
const seedOf = ({ random }: Settings): number => random['field seed'] ?? random.seed

/** Everything that shines in a field, as far as dithers and drift may bring it into a frame. */
export function sourcesOf(settings: Settings, name: string, night: Pick<Night, 'science'>): Source[] {
  const { detector, telescope } = settings
  const field = fieldOf(settings, name)
  const random = randomOf(seedOf(settings), 'sources', name)
  const scale = telescope['pixel scale']
  const side = sideOf(settings, name, night)
  const plane = fieldPlane(field.ra, field.dec, scale)
  const count = Math.round((field.stars * side * side) / (detector.width * detector.height))
  const faint = power(10, field.slope * (field.brightest - field.faintest))
  const scattered = Array.from({ length: count }, (): Source => {
    const [ra, dec] = plane.toSky(side * random.between(-0.5, 0.5), side * random.between(-0.5, 0.5))
    const magnitude = field.faintest + Math.log10(faint + (1 - faint) * random.uniform()) / field.slope
    return { id: '', kind: 'star', ra, dec, magnitude, colour: colourOf(random.uniform()) }
  })
  const special = eventsOf(settings, name, night, random)
  const reach = (side * scale * Math.SQRT1_2) / 3600
  const real = field.catalogue ? catalogueStars(field.catalogue, field.bands, [field.ra, field.dec], reach) : []
  const lots = randomOf(seedOf(settings), 'colours', name)
  const listed = real.map(
    (star): Source => ({ ...star, id: '', kind: 'star', colour: star.colour ?? colourOf(lots.uniform()) }),
  )
  const stars = [...clustered(settings, name, scattered), ...listed]
  return moving(settings, name, [...special, ...stars]).map((source, k) => ({
    ...source,
    id: `${name}-${String(k + 1).padStart(5, '0')}`,
  }))
}

/** Unbinned pixels of the square around the centre of a field in which there are stars. */
function sideOf(settings: Settings, name: string, night: Pick<Night, 'science'>): number {
  const { detector, telescope, sky, random } = settings
  const field = fieldOf(settings, name)
  const scale = telescope['pixel scale']
  const diagonal = Math.hypot(detector.width, detector.height)
  // Nights that share a field must draw the same stars, whatever their weather and however long they are.
  if (random['field seed'] !== undefined) return 1.3 * diagonal + (2 * Math.max(120, field.dither)) / scale
  const hours = (night.science[1] - night.science[0]) * 24
  const margin =
    (Math.max(60, field.dither) / 2 + telescope.drift * hours + 40 * sky.seeing) / scale +
    Math.abs(telescope.distortion)
  // Frames may be turned: a square that holds the frame at any angle.
  const turned = (field.rotation ?? telescope.rotation) % 90 !== 0
  return (turned ? diagonal : Math.max(detector.width, detector.height)) + 2 * margin
}

/** Variables, transients and movers: they stand in the inner part of the field. */
function eventsOf(settings: Settings, name: string, night: Pick<Night, 'science'>, random: Random): Source[] {
  const { detector, events } = settings
  const field = fieldOf(settings, name)
  const plane = fieldPlane(field.ra, field.dec, settings.telescope['pixel scale'])
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
  // Nights that share a field see one phase.
  const phases = settings.random['field seed'] === undefined ? start : 60000
  return [
    ...many(events.variables, () => {
      const mjd = phases + (events.period / 24) * random.uniform()
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
}

/** Some of the stars drawn together: a Plummer sphere, seen on the sky. */
function clustered(settings: Settings, name: string, stars: Source[]): Source[] {
  const field = fieldOf(settings, name)
  if (field.cluster === 0) return stars
  const random = randomOf(seedOf(settings), 'cluster', name)
  const plane = fieldPlane(field.ra, field.dec, 1)
  return stars.map((star) => {
    const [lot, angle, u] = [random.uniform(), random.between(0, 2 * Math.PI), random.uniform()]
    if (lot >= field.cluster) return star
    const radius = field['cluster radius'] * Math.sqrt(u / (1 - Math.min(u, 0.9999)))
    const [ra, dec] = plane.toSky(radius * Math.cos(angle), radius * Math.sin(angle))
    return { ...star, ra, dec }
  })
}

/** Proper motions for the stars that have none of their own. */
function moving(settings: Settings, name: string, sources: Source[]): Source[] {
  const scatter = settings['reference catalogue']['proper motion']
  if (scatter === 0) return sources
  const random = randomOf(seedOf(settings), 'proper motion', name)
  return sources.map((source) => {
    const proper: [number, number] = [scatter * random.normal(), scatter * random.normal()]
    return source.kind === 'mover' || source.proper ? source : { ...source, proper }
  })
}

/** Most stars are red dwarfs and giants, some are blue: a skew distribution between -0.2 and 1.8. */
const colourOf = (u: number) => -0.2 + 2 * power(u, 0.8) * (1 - 0.35 * u)

/** The tangent plane of a field, in pixels from its centre, north up. */
function fieldPlane(ra: number, dec: number, scale: number): TanWcs {
  const s = scale / 3600
  return makeTan({ pixel: [0, 0], sky: [ra, dec], matrix: [-s, 0, 0, s] })
}

/** Where it is at a moment; stars with a proper motion stand at their position at the epoch of the reference catalogue. */
export function positionOf(source: Source, mjd: number, epoch: number): [ra: number, dec: number] {
  if (source.proper) return moveStar([source.ra, source.dec], ...source.proper, julianYear(mjd) - epoch)
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
export function wcsOf(
  settings: Settings,
  { conditions, field }: Pick<Exposure, 'conditions' | 'field'>,
  binning: number,
): Wcs {
  if (!conditions) throw new RangeError('only frames of the sky have a plate solution')
  const { detector, telescope } = settings
  const rotation = (field === undefined ? undefined : fieldOf(settings, field).rotation) ?? telescope.rotation
  return makeWcs({
    linear: {
      pixel: [(detector.width / binning - 1) / 2, (detector.height / binning - 1) / 2],
      sky: [conditions.ra, conditions.dec],
      matrix: matrixOf((telescope['pixel scale'] * binning) / 3600, rotation, telescope.mirrored),
    },
    distortion: distortionOf(settings, binning),
  })
}

/** Degrees of the tangent plane for each pixel. */
export function matrixOf(scale: number, rotation: number, mirrored: boolean): [number, number, number, number] {
  const angle = (rotation * Math.PI) / 180
  const [c, d] = [scale * Math.cos(angle), scale * Math.sin(angle)]
  const turn = mirrored ? -1 : 1
  return [-turn * c, d, turn * d, c]
}
