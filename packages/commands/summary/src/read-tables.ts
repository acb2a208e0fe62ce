import { column, openFits, readTable, type Table } from '@nightpipe/fits'
import { parseCsv, textOfTable } from '@nightpipe/table'
import type { Product } from './collect.js'
import type { Candidate, CurvePoint, LightCurve } from './field.js'
import type { moversIn } from './movers.js'

/** Numbers of the first of these columns that a table has. */
function numbers(table: Table, ...names: string[]): ArrayLike<number> | undefined {
  const found = names.map((name) => column(table, name)).find((one) => one !== undefined)
  return found?.values as ArrayLike<number> | undefined
}
const texts = (table: Table, ...names: string[]) =>
  names.map((name) => column(table, name)?.values).find((values) => values !== undefined) as
    | ArrayLike<unknown>
    | undefined

/** A number that is there and finite, or undefined. */
const at = (values: ArrayLike<number> | undefined, k: number) => {
  const value = values === undefined ? Number.NaN : Number(values[k])
  return Number.isFinite(value) ? value : undefined
}

/** The first table of a FITS file. */
function tableOf(path: string, name: string): Table | undefined {
  const file = openFits(path)
  try {
    const hdu =
      file.hdus.find((one) => one.name === name) ??
      file.hdus.find((one) => one.kind === 'table' && one.name !== 'PROVENANCE')
    return hdu && readTable(hdu)
  } finally {
    file.close()
  }
}

export interface MarkedStar {
  x: number
  y: number
  ra?: number
  dec?: number
  magnitude?: number
  brightness: number
}

/** The stars of a catalogue, the brightest first; places count from 0. */
export function starsIn(path: string, most: number): MarkedStar[] {
  const table = tableOf(path, 'CAT')
  if (!table) return []
  const [x, y] = [numbers(table, 'X', 'X_IMAGE'), numbers(table, 'Y', 'Y_IMAGE')]
  const [ra, dec] = [numbers(table, 'RA', 'ALPHA_J2000'), numbers(table, 'DEC', 'DELTA_J2000')]
  const flux = numbers(table, 'FLUX_AUTO', 'FLUX_PSF', 'FLUX')
  const magnitude = numbers(table, 'MAG_CAL', 'MAG_AUTO')
  const stars = Array.from({ length: table.rows }, (_, k) => ({
    ...{ x: (at(x, k) ?? Number.NaN) - 1, y: (at(y, k) ?? Number.NaN) - 1, ra: at(ra, k), dec: at(dec, k) },
    ...{ magnitude: at(magnitude, k), brightness: at(flux, k) ?? 0 },
  }))
  return stars
    .filter((star) => Number.isFinite(star.x + star.y))
    .sort((a, b) => b.brightness - a.brightness)
    .slice(0, most)
}

/** Something that subtraction found on one frame. */
export interface Found extends Omit<Candidate, 'number' | 'detections'> {
  /** nothing speaks against it */
  good: boolean
  /** fainter than this, where it has no magnitude */
  limit?: number
  /** small images about it, first row at the bottom */
  stamps: { label: string; pixels: Float32Array; side: number }[]
}

/** What subtraction found on one frame, good or not. */
export function candidatesIn({ path, filter, stem, mjd }: Product, moverOf: ReturnType<typeof moversIn>): Found[] {
  const table = tableOf(path, 'CANDIDATES')
  if (!table) return []
  const [x, y] = [numbers(table, 'X', 'X_IMAGE'), numbers(table, 'Y', 'Y_IMAGE')]
  const [ra, dec] = [numbers(table, 'RA'), numbers(table, 'DEC')]
  const score = numbers(table, 'SCORE', 'SIGNIFICANCE', 'SNR')
  const [magnitude, error] = [numbers(table, 'MAG_CAL', 'MAG'), numbers(table, 'MAGERR_CAL', 'MAG_ERR', 'MAGERR')]
  const limit = numbers(table, 'UPPER_LIMIT')
  const number = numbers(table, 'NUMBER')
  const [kind, reasons, good] = [texts(table, 'KIND'), texts(table, 'REASONS'), texts(table, 'GOOD')]
  const text = (values: ArrayLike<unknown> | undefined, k: number) => String(values?.[k] ?? '').trim() || undefined
  return Array.from({ length: table.rows }, (_, k) => ({
    ...{ filter, stem, mjd, x: at(x, k) ?? Number.NaN, y: at(y, k) ?? Number.NaN, ra: at(ra, k), dec: at(dec, k) },
    ...{ significance: at(score, k), magnitude: at(magnitude, k), error: at(error, k), limit: at(limit, k) },
    mover: moverOf(stem, at(number, k)),
    ...{ status: text(kind, k), note: text(reasons, k), good: good === undefined || Boolean(good[k]) },
    stamps: STAMPS.flatMap(([label, name]) => stampIn(table, name, label, k)),
  }))
}

const STAMPS = [
  ['new', 'STAMP_NEW'],
  ['reference', 'STAMP_REF'],
  ['difference', 'STAMP_DIFF'],
] as const

function stampIn(table: Table, name: string, label: string, row: number): Found['stamps'] {
  const values = column(table, name)?.values as Float32Array | undefined
  if (!values || table.rows === 0) return []
  const size = values.length / table.rows
  const side = Math.round(Math.sqrt(size))
  if (side * side !== size) return []
  return [{ label, side, pixels: Float32Array.from(values.subarray(row * size, (row + 1) * size)) }]
}

/** The points of the positions that subtraction was told to measure. */
export function forcedIn({ path, filter, mjd }: Product): LightCurve[] {
  const table = tableOf(path, 'FORCED')
  if (!table || mjd === undefined || column(table, 'STAMP_NEW')) return []
  const [ra, dec] = [numbers(table, 'RA'), numbers(table, 'DEC')]
  const [magnitude, error, limit] = [numbers(table, 'MAG'), numbers(table, 'MAG_ERR'), numbers(table, 'UPPER_LIMIT')]
  return Array.from({ length: table.rows }, (_, k): LightCurve => {
    const name = `forced ${at(ra, k)?.toFixed(5)} ${at(dec, k)?.toFixed(5)}`
    const points = pointOf({ mjd, filter, magnitude: at(magnitude, k), error: at(error, k), limit: at(limit, k) })
    return { name, ...whereOf(at(ra, k) ?? Number.NaN, at(dec, k) ?? Number.NaN), points }
  })
}

/** A point of a light curve: a magnitude, or a limit where there is none. */
export function pointOf(one: Pick<Found, 'mjd' | 'filter' | 'magnitude' | 'error' | 'limit'>): CurvePoint[] {
  const { mjd, filter, magnitude, error, limit } = one
  const value = magnitude ?? limit
  if (mjd === undefined || value === undefined) return []
  const point = { mjd, filter, magnitude: value, limit: magnitude === undefined }
  return [error === undefined || point.limit ? point : { ...point, error }]
}

const COLUMNS = {
  name: ['star', 'name', 'source', 'id', 'number', 'object', 'target'],
  mjd: ['mjd', 'mjd_mid', 'mjd_middle', 'mjd_start', 'time_mjd'],
  magnitude: ['mag_cal', 'magnitude', 'mag', 'mag_mag'],
  error: ['error_mag', 'magerr_cal', 'magnitude_error', 'mag_error', 'mag_err', 'magerr'],
  limit: ['upper_limit_mag', 'limit_mag', 'mag_limit', 'upper_limit', 'limit'],
  filter: ['filter', 'band'],
  calibrated: ['calibrated'],
  ra: ['ra_deg', 'ra'],
  dec: ['dec_deg', 'dec'],
} as const

/** The light curves in a CSV: a row for each star and time; undefined when it is a table of something else. */
export function curvesIn({ path, filter }: Product): LightCurve[] | undefined {
  const [head = [], ...lines] = parseCsv(textOfTable(path) ?? '', path).map(({ cells }) => cells)
  const lower = head.map((name) => name.toLowerCase())
  const place = (what: keyof typeof COLUMNS) =>
    COLUMNS[what].map((name) => lower.indexOf(name)).find((k) => k >= 0) ?? -1
  const [name, mjd, magnitude, limit] = [place('name'), place('mjd'), place('magnitude'), place('limit')]
  if (name < 0 || mjd < 0 || (magnitude < 0 && limit < 0)) return undefined
  const number = (cells: string[], k: number) => (k >= 0 && cells[k] ? Number(cells[k]) : Number.NaN)
  const curves = new Map<string, LightCurve>()
  for (const cells of lines) {
    const seen = number(cells, magnitude)
    const value = Number.isFinite(seen) ? seen : number(cells, limit)
    const time = number(cells, mjd)
    if (!Number.isFinite(value + time)) continue
    const error = number(cells, place('error'))
    const point: CurvePoint = {
      mjd: time,
      magnitude: value,
      limit: !Number.isFinite(seen),
      filter: cells[place('filter')] || filter,
    }
    if (Number.isFinite(error)) point.error = error
    if (cells[place('calibrated')] === 'no') point.instrumental = true
    const key = cells[name]!
    const curve = curves.get(key) ?? {
      name: key,
      ...whereOf(number(cells, place('ra')), number(cells, place('dec'))),
      points: [],
    }
    curve.points.push(point)
    curves.set(key, curve)
  }
  return [...curves.values()]
}

/** Where the stars of a table are, by name: a table without times. */
export function placesIn({ path }: Product): Map<string, { ra: number; dec: number }> {
  const [head = [], ...lines] = parseCsv(textOfTable(path) ?? '', path).map(({ cells }) => cells)
  const lower = head.map((name) => name.toLowerCase())
  const place = (what: keyof typeof COLUMNS) =>
    COLUMNS[what].map((name) => lower.indexOf(name)).find((k) => k >= 0) ?? -1
  const [name, ra, dec] = [place('name'), place('ra'), place('dec')]
  if (name < 0 || ra < 0 || dec < 0 || place('mjd') >= 0) return new Map()
  const known = lines.filter((cells) => cells[ra] && cells[dec])
  return new Map(known.map((cells) => [cells[name]!, { ra: Number(cells[ra]), dec: Number(cells[dec]) }]))
}

const whereOf = (ra: number, dec: number) => (Number.isFinite(ra + dec) ? { ra, dec } : {})
