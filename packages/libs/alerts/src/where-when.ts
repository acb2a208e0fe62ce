import { formatMjd, fromGalactic, parseAngle, parseDate, precession, RADIANS, taiToUtc, ttToUtc } from '@nightpipe/sky'
import { childNamed, textAt, type XmlElement } from '@nightpipe/xml'
import type { Alert, AlertPosition } from './alert.js'

/** How times and places of an event are meant: `UTC-FK5-GEO` and what else is written there. */
interface System {
  time: 'UTC' | 'TT' | 'TDB' | 'TAI' | 'GPS'
  /** GEOD: of the Earth, not of the sky */
  frame: 'ICRS' | 'FK5' | 'FK4' | 'GALACTIC' | 'GEOD'
}

/** Of the coordinates themselves, else of the location; what is not known is taken for UTC and ICRS. */
export function systemOf(where: XmlElement | undefined): System {
  const said = [
    childNamed(where, 'AstroCoords')?.attributes.coord_system_id,
    childNamed(where, 'AstroCoordSystem')?.attributes.id,
  ].find((id) => id !== undefined && id.trim() !== '')
  const words = (said ?? '').toUpperCase()
  const time = (['TDB', 'TAI', 'GPS', 'TT'] as const).find((scale) => new RegExp(`\\b${scale}\\b`).test(words))
  const frame = /GEOD/.test(words)
    ? 'GEOD'
    : /GAL/.test(words)
      ? 'GALACTIC'
      : (['FK5', 'FK4', 'ICRS'] as const).find((name) => words.includes(name))
  return { time: time ?? 'UTC', frame: frame ?? 'ICRS' }
}

/** GPS time stands 19 s behind TAI. */
const TAI_MINUS_GPS = 19 / 86400

/** When it began: the alert sequence tells it in UTC, else the notice in the scale of its system. */
export function timeOf(where: XmlElement | undefined, sequence: string | undefined): Pick<Alert, 't0' | 't0Mjd'> {
  const own = sequence === undefined ? undefined : parseDate(sequence)
  const instant = textAt(where, 'AstroCoords/Time/TimeInstant/ISOTime')
  const date = own ?? (instant === undefined ? undefined : parseDate(instant))
  if (!date) return {}
  const utc = own ? date.mjd : asUtc(date.mjd, systemOf(where).time)
  return { t0: `${formatMjd(utc)}Z`, t0Mjd: utc }
}

/** TDB is TT to 2 ms. */
function asUtc(mjd: number, scale: System['time']): number {
  if (scale === 'UTC') return mjd
  if (scale === 'TAI') return taiToUtc(mjd)
  return scale === 'GPS' ? taiToUtc(mjd + TAI_MINUS_GPS) : ttToUtc(mjd)
}

/** Degrees in a unit; NaN for one that is no angle. */
function degreesIn(unit: string | undefined): number {
  const word = (unit ?? '')
    .trim()
    .toLowerCase()
    .split(/[\s,]+/)[0]!
  if (word === '' || /^(deg|degree|degrees|d|°)$/.test(word)) return 1
  if (/^(rad|radian|radians)$/.test(word)) return 1 / RADIANS
  if (/^(h|hr|hour|hours)$/.test(word)) return 15
  if (/^(arcmin|arcminute|arcminutes|amin|')$/.test(word)) return 1 / 60
  if (/^(arcsec|arcsecond|arcseconds|asec|as|")$/.test(word)) return 1 / 3600
  return /^(mas|milliarcsec)$/.test(word) ? 1 / 3.6e6 : Number.NaN
}

/** The unit that an element says, or one around it. */
const unitOf = (...elements: (XmlElement | undefined)[]): string | undefined =>
  elements.map((one) => one?.attributes.unit ?? one?.attributes.pos_unit).find((unit) => unit !== undefined)

/**
 * Where it is, in degrees of ICRS (FK5 J2000 agrees with it to 0.02 arcsec). Undefined where there is no position, where it
 * is no place of the sky, and where its radius says that it is unknown (-1, 180).
 */
export function positionOf(where: XmlElement | undefined): AlertPosition | undefined {
  const coords = childNamed(where, 'AstroCoords')
  const position = childNamed(coords, 'Position2D') ?? childNamed(coords, 'Position3D')
  const { frame } = systemOf(where)
  if (!position || frame === 'GEOD') return undefined
  const value = childNamed(position, 'Value2') ?? childNamed(position, 'Value3')
  const swapped = /^(dec|lat|b$)/i.test(textAt(position, 'Name1') ?? '')
  const [first, second] = swapped ? ['C2', 'C1'] : ['C1', 'C2']
  const [longitude, latitude] = [
    angleAt(position, value, first!, 'hours'),
    angleAt(position, value, second!, 'degrees'),
  ]
  const radius = radiusOf(position)
  const sane = Math.abs(latitude) <= 90 && longitude >= -360 && longitude <= 720
  const blank = longitude === 0 && latitude === 0 && !(radius > 0) // as Fermi writes what it does not know yet
  if (!sane || blank || radius < 0 || radius >= 180) return undefined
  const [ra, dec] = toIcrs([longitude < 0 ? longitude + 360 : longitude % 360, latitude], frame)
  return { ra, dec, ...(Number.isFinite(radius) ? { errorDeg: radius } : {}), frame: told(frame) }
}

/** Sexagesimal numbers are hours in right ascension, whatever unit stands beside them. */
function angleAt(
  position: XmlElement,
  value: XmlElement | undefined,
  name: string,
  sexagesimal: 'hours' | 'degrees',
): number {
  const element = childNamed(value, name)
  const text = element?.text.trim() ?? ''
  if (text === '') return Number.NaN
  if (/\d\s*[:hd]|\d\s+\d/i.test(text)) return parseAngle(text, sexagesimal) ?? Number.NaN
  const units = (unitOf(element, value, position) ?? '').trim().split(/[\s,]+/)
  const unit = units.length > 1 && name === 'C2' ? units[1] : units[0]
  return Number(text) * degreesIn(unit)
}

/** The radius that holds it; of two errors the larger one. */
function radiusOf(position: XmlElement): number {
  const radius = childNamed(position, 'Error2Radius')
  const number = (element: XmlElement | undefined) => {
    const text = element?.text.trim() ?? ''
    return text === '' ? Number.NaN : Number(text)
  }
  if (radius) {
    const said = number(radius)
    return said < 0 ? said : said * degreesIn(unitOf(radius, position))
  }
  const both = childNamed(position, 'Error2')
  const errors = ['C1', 'C2'].map((name) => number(childNamed(both, name)) * degreesIn(unitOf(both, position)))
  return errors.some(Number.isNaN) ? Number.NaN : Math.max(...errors)
}

/** What the position is given in after it was brought to ICRS; FK5 is left as it is, and said. */
const told = (frame: System['frame']): string => (frame === 'FK5' ? 'FK5' : 'ICRS')

function toIcrs([longitude, latitude]: [number, number], frame: System['frame']): [number, number] {
  if (frame === 'GALACTIC') return fromGalactic([longitude, latitude])
  return frame === 'FK4' ? turned(precession(1950, 2000, 'FK4'), longitude, latitude) : [longitude, latitude]
}

function turned(matrix: ReturnType<typeof precession>, longitude: number, latitude: number): [number, number] {
  const [l, b] = [longitude * RADIANS, latitude * RADIANS]
  const from = [Math.cos(b) * Math.cos(l), Math.cos(b) * Math.sin(l), Math.sin(b)]
  const [x, y, z] = [0, 3, 6].map((row) => from.reduce((sum, part, k) => sum + matrix[row + k]! * part, 0)) as [
    number,
    number,
    number,
  ]
  return [(Math.atan2(y, x) / RADIANS + 360) % 360, Math.atan2(z, Math.hypot(x, y)) / RADIANS]
}
