import { DataError } from '@nightpipe/command'
import { column, openFits, readTable } from '@nightpipe/fits'
import { parseAngle } from '@nightpipe/sky'
import { parseCsv, textOfTable } from '@nightpipe/table'

/** A place that is measured whether a star is seen there or not. */
export interface Target {
  name: string
  /** Degrees. */
  ra?: number
  dec?: number
  /** Pixels from 0. */
  x?: number
  y?: number
}

const NAMES = {
  name: ['name', 'id', 'star', 'object', 'number'],
  ra: ['ra_deg', 'ra', 'raj2000', 'alpha_j2000', 'ra_icrs'],
  dec: ['dec_deg', 'dec', 'dej2000', 'delta_j2000', 'de_icrs'],
  x: ['x', 'x_px', 'x_image', 'xwin_image'],
  y: ['y', 'y_px', 'y_image', 'ywin_image'],
}

/** The list of targets: CSV with a header line, or the first table of a FITS file. Pixels count from 1 in it. */
export function readTargets(path: string): Target[] {
  const cells = /\.(fits?|fts)(\.gz|\.fz)?$/i.test(path) ? fromFits(path) : fromCsv(path)
  const place = (keys: readonly string[]) => keys.map((key) => cells.get(key)).find((values) => values)
  const [names, ra, dec, x, y] = [NAMES.name, NAMES.ra, NAMES.dec, NAMES.x, NAMES.y].map(place)
  if (!(ra && dec) && !(x && y)) {
    throw new DataError(`${path} has neither ra_deg and dec_deg nor x and y`, 'give one of the pairs of columns')
  }
  const count = (ra ?? x)!.length
  return Array.from({ length: count }, (_, i) => {
    const target: Target = { name: names?.[i]?.trim() || `T${i + 1}` }
    const [right, declination] = [angle(ra?.[i], 'hours'), angle(dec?.[i], 'degrees')]
    if (right !== undefined && declination !== undefined) return { ...target, ra: right, dec: declination }
    const [column1, row1] = [Number(x?.[i] || Number.NaN), Number(y?.[i] || Number.NaN)]
    if (Number.isFinite(column1 + row1)) return { ...target, x: column1 - 1, y: row1 - 1 }
    throw new DataError(`${path}: target ${target.name} has no place`, 'fill in its coordinates')
  })
}

/** Decimal numbers are degrees; 12:34:56 is hours for a right ascension. */
function angle(text: string | undefined, unit: 'hours' | 'degrees'): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : parseAngle(text, unit)
}

function fromCsv(path: string): Map<string, string[]> {
  const text = textOfTable(path)
  if (text === undefined) throw new DataError(`there is no list of targets ${path}`, 'check [targets] list')
  const [head, ...rows] = parseCsv(text, path)
  const names = head?.cells ?? []
  return new Map(names.map((name, k) => [name.trim().toLowerCase(), rows.map(({ cells }) => cells[k] ?? '')]))
}

function fromFits(path: string): Map<string, string[]> {
  const file = openFits(path)
  try {
    const hdu = file.hdus.find(({ kind }) => kind === 'table')
    if (!hdu) throw new DataError(`${path} has no table`, 'check [targets] list')
    const table = readTable(hdu)
    const lists = table.columns.map(({ name }) => {
      const values = Array.from(column(table, name)?.values as ArrayLike<unknown>, (value) => String(value).trim())
      return [name.toLowerCase(), values] as const
    })
    return new Map(lists)
  } finally {
    file.close()
  }
}
