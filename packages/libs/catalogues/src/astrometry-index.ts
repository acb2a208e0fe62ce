import { closeSync, openSync, readSync } from 'node:fs'
import { DataError } from '@nightpipe/files'
import { type FitsFile, type Hdu, numberOf, readTable, textOf } from '@nightpipe/fits'
import { RADIANS } from '@nightpipe/sky'
import { fitsColumns } from './fits-stars.js'
import type { LooseTable } from './loose-table.js'
import { numberColumn } from './loose-table.js'
import type { SkyStars } from './star.js'
import { starsOf } from './star-columns.js'

/** How the numbers of a kd-tree are kept. */
const SIZES: Readonly<Record<string, number>> = { u16: 2, u32: 4, double: 8 }

/** Whether a FITS file is an index of astrometry.net: its stars are in a kd-tree. */
export const isAstrometryIndex = (file: FitsFile): boolean => tree(file) !== undefined

const tree = (file: FitsFile): Hdu | undefined =>
  file.hdus.find(({ header }) => textOf(header, 'TTYPE1') === 'kdtree_header_stars')

const part = (file: FitsFile, name: string): Hdu | undefined =>
  file.hdus.find(({ header }) => textOf(header, 'TTYPE1') === name)

/**
 * The stars of an astrometry.net index file: unit vectors, scaled to integers in the byte order of the machine that made
 * them, and the magnitudes that were tagged along. Positions are of J2000; it has no proper motions.
 */
export function readAstrometryIndex(file: FitsFile): SkyStars {
  const head = tree(file)
  const [data, range] = [part(file, 'kdtree_data_stars'), part(file, 'kdtree_range_stars')]
  const count = head && numberOf(head.header, 'KDT_NDAT')
  const kind = head && textOf(head.header, 'KDT_DATA')
  const bytes = SIZES[kind ?? '']
  if (!head || !data || count === undefined || !bytes || numberOf(head.header, 'KDT_NDIM') !== 3) {
    throw new DataError(`${file.name} is no whole astrometry.net index`, 'install the package of index files again')
  }
  if (data.dataBytes < 3 * bytes * count) {
    throw new DataError(`${file.name} has room for ${data.dataBytes / (3 * bytes)} stars, not for ${count}`)
  }
  const little = textOf(head.header, 'ENDIAN')?.startsWith('04') ?? true
  const scaling = bytes === 8 || !range ? undefined : readNumbers(file, range, 7, 'double', little)
  const values = readNumbers(file, data, 3 * count, kind!, little)
  const [ra, dec] = [new Float64Array(count), new Float64Array(count)]
  for (let k = 0; k < count; k++) {
    let [x, y, z] = [values[3 * k], values[3 * k + 1], values[3 * k + 2]]
    if (scaling) {
      x = scaling[0] + x / scaling[6]
      y = scaling[1] + y / scaling[6]
      z = scaling[2] + z / scaling[6]
    }
    const longitude = Math.atan2(y, x) / RADIANS
    ra[k] = longitude < 0 ? longitude + 360 : longitude
    dec[k] = Math.atan2(z, Math.hypot(x, y)) / RADIANS
  }
  return starsOf(withTags(file, { ra, dec, count }), file.name, { epoch: 2000 })
}

function withTags(file: FitsFile, { ra, dec, count }: Pick<SkyStars, 'ra' | 'dec' | 'count'>): LooseTable {
  const tags = file.hdus.find(({ header }) => textOf(header, 'AN_FILE') === 'TAGALONG')
  const table = tags && readTable(tags)
  const columns = table && table.rows === count ? fitsColumns(table) : []
  const own = columns.filter(({ name }) => !/^(ra|dec)$/i.test(name))
  return { rows: count, columns: [numberColumn('ra', ra), numberColumn('dec', dec), ...own], facts: new Map() }
}

function readNumbers(file: FitsFile, hdu: Hdu, count: number, kind: string, little: boolean): ArrayLike<number> {
  const size = SIZES[kind]
  const bytes = Buffer.alloc(count * size)
  const open = openSync(file.path!, 'r')
  try {
    let at = 0
    while (at < bytes.length) {
      const got = readSync(open, bytes, at, bytes.length - at, hdu.dataStart + at)
      if (got === 0) throw new DataError(`${file.name} ends too early`, 'install the package of index files again')
      at += got
    }
  } finally {
    closeSync(open)
  }
  if (!little) size === 2 ? bytes.swap16() : size === 4 ? bytes.swap32() : bytes.swap64()
  const maker = kind === 'u16' ? Uint16Array : kind === 'u32' ? Uint32Array : Float64Array
  return new maker(bytes.buffer, bytes.byteOffset, count)
}
