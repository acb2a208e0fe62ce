import { cardLookup, column, type FitsFile, type Hdu, readTable } from '@nightpipe/fits'
import { LIGHT_SPEED } from '@nightpipe/math'
import {
  type AngleUnit,
  barycentricCorrection,
  type Observatory,
  parseAngle,
  solarCorrection,
  type Ut1Row,
} from '@nightpipe/sky'
import { type Instant, type MeterReading, type MidExposure, midExposure } from '@nightpipe/spectra'
import { starName } from './star-name.js'
import type { TargetRow } from './state-tables.js'
import { isSunlight, matchTarget } from './targets.js'

/** A star as it must be known for the barycentric correction. */
export interface StarPlace {
  /** degrees, ICRS, at `epoch` (Julian year) */
  ra: number
  dec: number
  epoch: number
  /** mas/yr with cos dec, mas, m/s */
  pmRa: number
  pmDec: number
  parallax: number
  rv: number
  /** where it is from: `targets.csv`, `TELESCOPE_1`, `header` */
  from: string
}

/** Of what, when and where one fibre took its light. */
export interface Circumstances {
  fibre: number
  object: string
  /** of the shutter, MJD UTC */
  start: number
  seconds: number
  middle: MidExposure
  site?: Observatory
  star?: StarPlace
  target?: TargetRow
  sunlight: boolean
  /** undefined where site or star are not known */
  correction?: { z: number; velocity: number; secular: number; mjdTdb: number; bjdTdb: number; predicted: boolean }
  /** what was odd, or missing */
  notes: string[]
}

/** What is known of an exposure besides its file. */
export interface CircumstanceOptions {
  fibre: number
  /** what each fibre sees; undefined for a spectrograph of one light path */
  fibres?: readonly string[] | undefined
  object?: string | undefined
  start: number
  seconds: number
  targets?: readonly TargetRow[]
  /** where the site is not in the header */
  site?: Observatory | undefined
  ut1?: readonly Ut1Row[] | undefined
  /** fibre of the lamp: stars on either side of it belong to the telescopes 1 and 2 */
  arcFibre?: number
  /** where the main header says the telescope pointed, degrees */
  pointing?: { ra: number; dec: number } | undefined
  /** take the place of the star from the header though the catalogue has it */
  preferHeader?: boolean
  /** leave the secular acceleration in the velocity */
  keepSecular?: boolean
}

/** Gathers what the velocity of one fibre needs: names, flux-weighted middle, site, star, barycentric correction. */
export function readCircumstances(file: FitsFile, options: CircumstanceOptions): Circumstances {
  const { fibre, fibres, start, seconds, targets = [] } = options
  const notes: string[] = []
  const named = starName(file, fibre, options)
  const object = fibres ? named.toUpperCase() : named
  const telescope = telescopeOf(file, fibre, options.arcFibre ?? 1)
  const primary = file.hdus[0]!
  const middle = midExposure(start, seconds, meterOf(file, fibre), darkRate(file, fibres))
  if (middle.note) notes.push(`middle of the exposure by the clock: ${middle.note}`)
  const site = (telescope && siteOf(telescope)) ?? siteOf(primary) ?? options.site
  if (!site) notes.push('the place of the telescope is not known')
  const pointing = (telescope && placeOf(telescope)) ?? placeOf(primary, options.pointing)
  const sunlight = isSunlight(object)
  const match = matchTarget(targets, { name: object, raDeg: pointing?.ra, decDeg: pointing?.dec, mjd: start })
  const star = sunlight ? undefined : chooseStar(pointing, match.target, options.preferHeader ?? false)
  if (!sunlight && !star) notes.push(`the place of ${object || 'the star'} is not known: ${match.why}`)
  const correction = site && correctionOf(middle, site, star, sunlight, options)
  if (correction?.predicted) notes.push('UT1 beyond the table: up to 1 cm/s')
  return {
    ...{ fibre, object, start, seconds, middle, sunlight, notes },
    ...{ ...(site && { site }), ...(star && { star }), ...(match.target && { target: match.target }) },
    ...(correction && { correction }),
  }
}

/** That of the light as it came, which is not that of its middle: 1.3 m/s in an hour. Its times are those of the middle. */
function correctionOf(
  { mjd: mjdUtc, instants }: MidExposure,
  site: Observatory,
  star: StarPlace | undefined,
  sunlight: boolean,
  { ut1, keepSecular }: CircumstanceOptions,
): Circumstances['correction'] {
  const own = ut1 ? { ut1 } : {}
  if (sunlight) {
    const at = (time: number) => solarCorrection({ mjdUtc: time, site, ...own })
    const z = meanOver(instants, (time) => at(time).z)
    return { ...at(mjdUtc), z, velocity: z * LIGHT_SPEED, secular: 0, predicted: false }
  }
  if (!star) return undefined
  const at = (time: number) => barycentricCorrection({ mjdUtc: time, site, ...star, ...own })
  const found = at(mjdUtc)
  const all = meanOver(instants, (time) => at(time).z)
  const z = keepSecular ? (1 + all) / (1 + found.secular / LIGHT_SPEED) - 1 : all
  return { ...found, z, velocity: z * LIGHT_SPEED }
}

const meanOver = (instants: readonly Instant[], of: (mjd: number) => number) =>
  instants.reduce((sum, { mjd, part }) => sum + part * of(mjd), 0)

/** The HDU of the telescope that feeds a fibre. */
function telescopeOf(file: FitsFile, fibre: number, arcFibre: number): Hdu | undefined {
  const name = `TELESCOPE_${fibre <= arcFibre ? 1 : 2}`
  const hdu = file.hdus.find((one) => one.name === name)
  return hdu && siteOf(hdu) ? hdu : undefined
}

/** An angle in a header; undefined where it is none (`N/A`, blank). */
function angleIn(hdu: Hdu, keywords: readonly string[], unit: AngleUnit): number | undefined {
  const value = cardLookup(hdu)
  for (const keyword of keywords) {
    const said = value(keyword)
    // Right ascensions are hours when they are written with colons; a plain number is degrees.
    const own = typeof said === 'number' ? 'degrees' : unit
    const found = typeof said === 'string' || typeof said === 'number' ? parseAngle(said, own) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** A number in a header; undefined where there is none. */
function numberIn(hdu: Hdu, ...keywords: string[]): number | undefined {
  const value = cardLookup(hdu)
  for (const keyword of keywords) {
    const said = value(keyword)
    const number = typeof said === 'number' ? said : typeof said === 'string' && said.trim() ? Number(said) : Number.NaN
    if (Number.isFinite(number)) return number
  }
  return undefined
}

function siteOf(hdu: Hdu): Observatory | undefined {
  const longitude = angleIn(hdu, ['LONGITUD', 'SITELONG', 'OBSLONG', 'LONG-OBS'], 'degrees')
  const latitude = angleIn(hdu, ['LATITUDE', 'SITELAT', 'OBSLAT', 'LAT-OBS'], 'degrees')
  if (longitude === undefined || latitude === undefined) return undefined
  if (longitude === 0 && latitude === 0) return undefined // what an absent telescope writes
  return { longitude, latitude, height: numberIn(hdu, 'HEIGHT', 'SITEELEV', 'OBSALT', 'ALT-OBS') ?? 0 }
}

/** Where a header says the star is, with its motion where it has that too. */
function placeOf(hdu: Hdu, pointing?: { ra: number; dec: number }): StarPlace | undefined {
  const [catalogueRa, catalogueDec] = [angleIn(hdu, ['CAT-RA'], 'hours'), angleIn(hdu, ['CAT-DEC'], 'degrees')]
  const known = catalogueRa !== undefined && catalogueDec !== undefined
  const ra = known ? catalogueRa : (pointing?.ra ?? angleIn(hdu, ['RA'], 'hours'))
  const dec = known ? catalogueDec : (pointing?.dec ?? angleIn(hdu, ['DEC'], 'degrees'))
  if (ra === undefined || dec === undefined || (ra === 0 && dec === 0)) return undefined
  const cosine = Math.cos((dec * Math.PI) / 180)
  const parallax = numberIn(hdu, 'PARALLAX') ?? 0
  return {
    ...{ ra, dec, epoch: numberIn(hdu, 'CAT-EPOC') ?? 2000, from: hdu.name || 'header', rv: 0 },
    ...{ pmRa: 1000 * (numberIn(hdu, 'PM-RA') ?? 0) * cosine, pmDec: 1000 * (numberIn(hdu, 'PM-DEC') ?? 0) },
    parallax: Math.max(0, parallax > 1 ? parallax : 1000 * parallax), // arcsec; above 1 it can only be mas
  }
}

/** The catalogue's star, or the header's where that knows its motion and the catalogue does not. */
function chooseStar(
  pointing: StarPlace | undefined,
  target: TargetRow | undefined,
  preferHeader: boolean,
): StarPlace | undefined {
  const [ra, dec] = [target?.['RA(deg)'], target?.['Dec(deg)']]
  const rv = 1000 * (target?.RV ?? 0)
  const known = pointing && (pointing.pmRa !== 0 || pointing.pmDec !== 0 || pointing.parallax > 0)
  if (pointing && (preferHeader || known || ra === undefined || dec === undefined)) return { ...pointing, rv }
  if (!target || ra === undefined || dec === undefined) return pointing
  return {
    ...{ ra, dec, epoch: 2000, rv, from: 'targets.csv' },
    ...{ pmRa: target.PMRA ?? 0, pmDec: target.PMDE ?? 0, parallax: Math.max(0, target.Plax ?? 0) },
  }
}

/** What the exposure meter counts in a second without light: in a fibre that sees nothing; 0 where each sees something. */
function darkRate(file: FitsFile, fibres: readonly string[] | undefined): number {
  const dark = fibres?.indexOf('none') ?? -1
  const readings = dark < 0 ? [] : meterOf(file, dark)
  const time = readings.reduce((sum, { seconds }) => sum + seconds, 0)
  return time > 0 ? readings.reduce((sum, { counts }) => sum + counts, 0) / time : 0
}

/** The readings of the exposure meter in one fibre; none where there is no meter. Flagged readings are left out. */
export function meterOf(file: FitsFile, fibre: number): MeterReading[] {
  const hdu = file.hdus.find((one) => one.name === 'EXPOSURE_METER' && one.kind === 'table')
  if (!hdu) return []
  const table = readTable(hdu)
  const numbers = (name: string) => {
    const found = column(table, name)
    return found && Array.from(found.values as ArrayLike<number>, Number)
  }
  const start = numbers('MJD_START') ?? (numbers('JD_UTC') ?? numbers('JD_START'))?.map((jd) => jd - 2400000.5)
  const [seconds, counts] = [numbers('EXP_TIME'), numbers(`FIB${fibre}COUNTS`)]
  const flags = numbers('EMFLAGS')
  if (!start || !seconds || !counts) return []
  return start.flatMap((at, k) => {
    if (flags && flags[k]! !== 0) return []
    const mjd = at > 2e6 ? at - 2400000.5 : at
    return [{ mjd, seconds: seconds[k]!, counts: counts[k]! }]
  })
}
