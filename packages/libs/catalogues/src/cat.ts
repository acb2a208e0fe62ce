import {
  column,
  copyHeader,
  createHeader,
  encodeFits,
  type FitsFile,
  type Header,
  type NewColumn,
  type NewTable,
  numberOf,
  openFits,
  readTable,
  setCard,
  type Table,
  writeFits,
} from '@nightpipe/fits'
import type { FoundStars, Stars } from '@nightpipe/stars'
import { CAT_COLUMNS, OTHER_NAMES } from './cat-columns.js'

export interface CatOptions {
  /** Cards to go with the table. */
  header?: Header
  /** Unit of the fluxes. */
  unit?: string
  /** Magnitude of one unit of flux, 0 when absent: MAG_AUTO and MAG_APER are then instrumental. */
  zeroPoint?: number
  /** Where each star is in the sky, degrees: columns RA and DEC. */
  sky?: { ra: Float64Array; dec: Float64Array }
  /** Columns with the names of SExtractor. */
  names?: 'own' | 'sextractor'
  /** Further columns. */
  extra?: readonly NewColumn[]
}

/** Stars read from a CAT. Quantities that the file does not have are absent, or NaN where `Stars` wants them. */
export type CatStars = Stars & Partial<FoundStars> & { header: Header; table: Table; sky?: CatOptions['sky'] }

/** The CAT table of a frame's stars. Places count from 1 in it, as FITS and DS9 do. */
export function catTable(stars: Stars & Partial<FoundStars>, options: CatOptions = {}): NewTable {
  const { unit = 'adu', names = 'own' } = options
  const which = names === 'own' ? 0 : 1
  const units = (text: string) => (text === 'flux' ? unit : text)
  const columns: NewColumn[] = [
    { name: OTHER_NAMES.number[which], format: 'J', comment: 'number of the star', values: numbers(stars.count) },
  ]
  for (const { field, name, alias, format, unit: of, comment, offset = 0 } of CAT_COLUMNS) {
    const values = stars[field] as Float64Array | undefined
    if (!values) continue
    const shifted = offset === 0 ? values : values.map((value) => value + offset)
    columns.push({ name: which === 0 ? name : alias, format, unit: units(of), comment, values: shifted })
  }
  columns.push(...derivedColumns(stars, options, which, unit))
  const { ra, dec } = options.sky ?? {}
  if (ra && dec) {
    columns.push({ name: OTHER_NAMES.ra[which], format: 'D', unit: 'deg', comment: 'right ascension', values: ra })
    columns.push({ name: OTHER_NAMES.dec[which], format: 'D', unit: 'deg', comment: 'declination', values: dec })
  }
  columns.push(...(options.extra ?? []))
  const header = options.header ? copyHeader(options.header) : createHeader()
  stars.apertures.radii.forEach((radius, k) => {
    setCard(header, `APRAD${k + 1}`, radius, `[pix] radius of aperture ${k + 1}`)
  })
  return { kind: 'table', name: 'CAT', header, columns, rows: stars.count }
}

const numbers = (count: number) => Int32Array.from({ length: count }, (_, i) => i + 1)

function derivedColumns(stars: Stars, { zeroPoint = 0 }: CatOptions, which: 0 | 1, unit: string): NewColumn[] {
  const { apertures, flux, fluxError } = stars
  const many = apertures.radii.length
  const interleaved = (arrays: readonly Float64Array[]) => {
    const values = new Float64Array(many * stars.count)
    for (let k = 0; k < many; k++) for (let i = 0; i < stars.count; i++) values[i * many + k] = arrays[k][i]
    return values
  }
  const [sums, errors] = [interleaved(apertures.flux), interleaved(apertures.error)]
  const name = (key: keyof typeof OTHER_NAMES) => OTHER_NAMES[key][which]
  const columns: NewColumn[] = [
    {
      ...{ name: name('elongation'), format: 'E', comment: 'A / B' },
      values: Float32Array.from(stars.a, (a, i) => a / stars.b[i]),
    },
    { name: name('magnitude'), format: 'E', unit: 'mag', values: magnitudes(flux, zeroPoint) },
    { name: name('magnitudeError'), format: 'E', unit: 'mag', values: magnitudeErrors(flux, fluxError) },
  ]
  if (many === 0) return columns
  const vector = `${many}`
  columns.push(
    { name: name('aperture'), format: `${vector}D`, unit, comment: 'sums in circles of APRADn', values: sums },
    { name: name('apertureError'), format: `${vector}D`, unit, comment: 'one sigma of them', values: errors },
    { name: name('apertureMagnitude'), format: `${vector}E`, unit: 'mag', values: magnitudes(sums, zeroPoint) },
    { name: name('apertureMagnitudeError'), format: `${vector}E`, unit: 'mag', values: magnitudeErrors(sums, errors) },
  )
  return columns
}

/** NaN where there is no light. */
const magnitudes = (flux: Float64Array, zeroPoint: number) =>
  Float32Array.from(flux, (value) => (value > 0 ? zeroPoint - 2.5 * Math.log10(value) : Number.NaN))

const magnitudeErrors = (flux: Float64Array, error: Float64Array) =>
  Float32Array.from(flux, (value, i) => (value > 0 ? (2.5 / Math.LN10) * (error[i] / value) : Number.NaN))

/** Writes the stars of a frame as a FITS file with the table CAT. */
export function writeCat(path: string, stars: Stars & Partial<FoundStars>, options: CatOptions = {}): void {
  writeFits(path, [{ kind: 'empty', header: options.header }, catTable(stars, { ...options, header: undefined })])
}

/** The same as bytes. */
export function encodeCat(stars: Stars & Partial<FoundStars>, options: CatOptions = {}): Uint8Array {
  return encodeFits([{ kind: 'empty', header: options.header }, catTable(stars, { ...options, header: undefined })])
}

/** Reads the table CAT of a file (or its first table), under our names or SExtractor's. */
export function readCat(source: string | FitsFile): CatStars {
  const file = typeof source === 'string' ? openFits(source) : source
  try {
    const hdu = file.hdus.find(({ name }) => name === 'CAT') ?? file.hdus.find(({ kind }) => kind === 'table')
    if (!hdu) throw new RangeError(`${file.name} has no table of stars`)
    const header = copyHeader(file.hdus[0]!.header)
    const table = readTable(hdu)
    const found = (names: readonly string[]) => {
      const values = names.map((name) => column(table, name)).find((one) => one)?.values
      return values as Float64Array | undefined
    }
    const fields: Record<string, Float64Array | Float32Array | Int32Array> = {}
    for (const { field, name, alias, format, offset = 0 } of CAT_COLUMNS) {
      const values = found([name, alias])
      if (!values) continue
      fields[field] = arrayOf(format, values.length, (i) => Number(values[i]) - offset)
    }
    const [ra, dec] = [found(OTHER_NAMES.ra), found(OTHER_NAMES.dec)]
    return {
      ...emptyStars(table.rows),
      ...(fields as Partial<FoundStars>),
      apertures: readApertures(table.rows, found, hdu.header),
      ...{ header, table, sky: ra && dec ? { ra, dec } : undefined },
    }
  } finally {
    if (typeof source === 'string') file.close()
  }
}

function arrayOf(format: 'I' | 'J' | 'E' | 'D', length: number, value: (i: number) => number) {
  const array = new { I: Int16Array, J: Int32Array, E: Float32Array, D: Float64Array }[format](length)
  for (let i = 0; i < length; i++) array[i] = value(i)
  return array as Float64Array
}

function readApertures(
  rows: number,
  found: (names: readonly string[]) => Float64Array | undefined,
  header: Header,
): Stars['apertures'] {
  const [sums, errors] = [found(OTHER_NAMES.aperture), found(OTHER_NAMES.apertureError)]
  const many = sums && rows > 0 ? sums.length / rows : 0
  const radii = Array.from({ length: many }, (_, k) => numberOf(header, `APRAD${k + 1}`) ?? Number.NaN)
  const one = (values: Float64Array | undefined, k: number) =>
    Float64Array.from({ length: rows }, (_, i) => (values ? values[i * many + k] : Number.NaN))
  return { radii, flux: radii.map((_, k) => one(sums, k)), error: radii.map((_, k) => one(errors, k)) }
}

function emptyStars(count: number): Stars {
  const double = () => new Float64Array(count).fill(Number.NaN)
  const single = () => new Float32Array(count).fill(Number.NaN)
  return {
    ...{ count, x: double(), y: double(), xError: single(), yError: single(), flux: double(), fluxError: double() },
    ...{ peak: single(), background: single(), a: single(), b: single(), theta: single(), fwhm: single() },
    ...{ halfLight: single(), starness: single(), flags: new Int16Array(count) },
    apertures: { radii: [], flux: [], error: [] },
  }
}
