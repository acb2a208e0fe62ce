import {
  type Column,
  column,
  createHeader,
  encodeFits,
  type FitsFile,
  type NewColumn,
  numberOf,
  openFits,
  readTable,
  textOf,
} from '@nightpipe/fits'
import type { SkyStars } from './star.js'
import { bandsOf, OPTIONAL } from './star-lists.js'

/** What each optional quantity is called in a file, and its unit. */
const OPTIONAL_NAMES = { raError: 'RA_ERR', decError: 'DEC_ERR', parallax: 'PARALLAX' } as const

/** The columns of a table of stars; a band's are MAG_<band> and MAGERR_<band>. */
export function starColumns(stars: SkyStars): NewColumn[] {
  const columns: NewColumn[] = [
    { name: 'RA', format: 'D', unit: 'deg', comment: 'right ascension, ICRS, at EPOCH', values: stars.ra },
    { name: 'DEC', format: 'D', unit: 'deg', comment: 'declination', values: stars.dec },
    { name: 'PMRA', format: 'E', unit: 'mas/yr', comment: 'proper motion, with cos(dec)', values: stars.pmRa },
    { name: 'PMDEC', format: 'E', unit: 'mas/yr', comment: 'proper motion', values: stars.pmDec },
  ]
  for (const band of bandsOf(stars)) {
    const { value, error } = stars.magnitudes[band]
    columns.push({ name: `MAG_${band}`, format: 'E', unit: 'mag', values: value })
    columns.push({ name: `MAGERR_${band}`, format: 'E', unit: 'mag', values: error })
  }
  for (const key of OPTIONAL) {
    const values = stars[key]
    if (values) columns.push({ name: OPTIONAL_NAMES[key], format: 'E', unit: 'mas', values })
  }
  if (stars.id) {
    const width = stars.id.reduce((most, id) => Math.max(most, Buffer.byteLength(id)), 1)
    columns.push({ name: 'ID', format: `${width}A`, values: stars.id })
  }
  return columns
}

/** A FITS file with the stars of a tile, or of any list. */
export function encodeStars(stars: SkyStars): Uint8Array {
  const header = createHeader([
    ['EPOCH', stars.epoch, '[yr] Julian epoch of the positions'],
    ['RADESYS', 'ICRS', 'celestial reference system'],
    ['BANDS', bandsOf(stars).join(' '), 'the bands of the magnitudes'],
  ])
  return encodeFits([
    { kind: 'empty' },
    { kind: 'table', name: 'STARS', header, columns: starColumns(stars), rows: stars.count },
  ])
}

/** Reads what `encodeStars` wrote; undefined when it is another kind of FITS file. */
export function decodeStars(source: string | Uint8Array): SkyStars | undefined {
  const file = openFits(source)
  try {
    return decodeOpenStars(file)
  } finally {
    file.close()
  }
}

/** The same of a file that is open. */
export function decodeOpenStars(file: FitsFile): SkyStars | undefined {
  const hdu = file.hdus.find(({ kind, name }) => kind === 'table' && name === 'STARS')
  const epoch = hdu && numberOf(hdu.header, 'EPOCH')
  const bands = hdu && textOf(hdu.header, 'BANDS')
  if (!hdu || epoch === undefined || bands === undefined) return undefined
  const table = readTable(hdu)
  const floats = (name: string): Float32Array => {
    const values = column(table, name)?.values
    return values instanceof Float32Array ? values : new Float32Array(table.rows).fill(Number.NaN)
  }
  const [ra, dec] = [column(table, 'RA'), column(table, 'DEC')].map((one) => one?.values)
  if (!(ra instanceof Float64Array && dec instanceof Float64Array)) return undefined
  const stars: SkyStars = {
    ...{ count: table.rows, epoch, ra, dec, pmRa: floats('PMRA'), pmDec: floats('PMDEC') },
    magnitudes: Object.fromEntries(
      bands
        .split(' ')
        .filter((band) => band !== '')
        .map((band) => [band, { value: floats(`MAG_${band}`), error: floats(`MAGERR_${band}`) }]),
    ),
  }
  for (const key of OPTIONAL) if (column(table, OPTIONAL_NAMES[key])) stars[key] = floats(OPTIONAL_NAMES[key])
  const id: Column | undefined = column(table, 'ID')
  if (id) stars.id = id.values as string[]
  return stars
}
