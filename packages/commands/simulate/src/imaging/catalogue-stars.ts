import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, DataError } from '@nightpipe/command'
import { column, openFits, readTable } from '@nightpipe/fits'
import { angularSeparation, type Direction, healpixDisc } from '@nightpipe/sky'
import { parseCsv } from '@nightpipe/table'

/** A star of a catalogue; without colour where one band was asked for. */
export interface ListedStar {
  ra: number
  dec: number
  magnitude: number
  colour?: number
  proper?: [number, number]
}

/** The numbers of a table by lower-case name of their column. */
type Columns = Map<string, ArrayLike<number>>

/**
 * The stars of a table, or of a catalogue folder, around a direction. Read with nothing but `fits` and `sky`: what
 * simulates must not share a fault with what reads catalogues for the reduction.
 */
export function catalogueStars(
  path: string,
  bands: readonly string[],
  centre: Direction,
  radius: number,
): ListedStar[] {
  if (!existsSync(path)) throw new ConfigError(`[field] catalogue: there is no ${path}`)
  const tables = statSync(path).isDirectory() ? tilesAround(path, centre, radius) : [tableOf(path)]
  return tables.flatMap((columns) => starsIn(columns, path, bands, centre, radius))
}

function starsIn(
  columns: Columns,
  path: string,
  bands: readonly string[],
  centre: Direction,
  radius: number,
): ListedStar[] {
  const find = (...names: string[]) => names.map((name) => columns.get(name)).find((one) => one)
  const [ra, dec] = [find('ra', 'ra_deg', 'raj2000'), find('dec', 'dec_deg', 'dej2000')]
  if (!ra || !dec) throw new DataError(`${path} has no columns RA and DEC`, 'make it with catalogue cone')
  const magnitudes = bandColumns(columns, path, bands)
  const [pmRa, pmDec] = [find('pmra', 'pmra_mas_yr'), find('pmdec', 'pmdec_mas_yr')]
  const stars: ListedStar[] = []
  for (let k = 0; k < ra.length; k++) {
    const values = magnitudes.map((one) => one[k]!)
    const magnitude = values.at(-1)!
    const known = values.every((value) => !Number.isNaN(value))
    if (!known || angularSeparation([ra[k]!, dec[k]!], centre) > radius) continue
    const moves = pmRa && pmDec && !Number.isNaN(pmRa[k]! + pmDec[k]!)
    stars.push({
      ...{ ra: ra[k]!, dec: dec[k]!, magnitude },
      ...(values.length === 2 ? { colour: values[0]! - magnitude } : {}),
      ...(moves ? { proper: [pmRa[k]!, pmDec[k]!] } : {}),
    })
  }
  return stars
}

function bandColumns(columns: Columns, path: string, bands: readonly string[]): ArrayLike<number>[] {
  const known = [...columns.keys()].filter((name) => /^mag_|_mag$|^mag$/.test(name) && !name.startsWith('colour'))
  if (bands.length > 2) throw new ConfigError('[field] bands: one band, or two whose difference is the colour')
  const wanted = bands.length > 0 ? bands.map((band) => band.toLowerCase()) : known.slice(0, 1)
  if (wanted.length === 0) throw new DataError(`${path} has no magnitudes`, 'its columns are to be called MAG_<band>')
  return wanted.map((band) => {
    const found = columns.get(band) ?? columns.get(`mag_${band}`) ?? columns.get(`${band}_mag`)
    if (found) return found
    throw new DataError(`${path} has no magnitudes ${band}`, `it has ${known.join(', ') || 'none'}`)
  })
}

function tableOf(path: string): Columns {
  return /\.(csv|txt)$/i.test(path) ? csvColumns(path) : fitsColumns(path)
}

function csvColumns(path: string): Columns {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/)
  const [head, ...rows] = parseCsv(lines.filter((line) => !line.startsWith('#')).join('\n'), path)
  const number = (text: string | undefined) => (text === undefined || text.trim() === '' ? Number.NaN : Number(text))
  const names = head?.cells ?? []
  return new Map(
    names.map((name, k) => [name.trim().toLowerCase(), Float64Array.from(rows, ({ cells }) => number(cells[k]))]),
  )
}

function fitsColumns(path: string): Columns {
  const file = openFits(path)
  try {
    const hdu = file.hdus.find(({ kind }) => kind === 'table')
    if (!hdu) throw new DataError(`${path} has no table`)
    const table = readTable(hdu)
    const columns: Columns = new Map()
    for (const { name } of table.columns) {
      const values = column(table, name)!.values
      if (values instanceof Float32Array || values instanceof Float64Array) columns.set(name.toLowerCase(), values)
    }
    return columns
  } finally {
    file.close()
  }
}

/** The tiles of a catalogue folder (docs/decisions/0050) that a circle touches. */
function tilesAround(folder: string, [ra, dec]: Direction, radius: number): Columns[] {
  const facts = join(folder, 'catalogue.json')
  if (!existsSync(facts)) throw new DataError(`${folder} is no catalogue: it has no catalogue.json`)
  const { order, tiles } = JSON.parse(readFileSync(facts, 'utf8')) as { order: number; tiles: string }
  return healpixDisc(order, ra, dec, radius)
    .map((n) => join(folder, tiles, `Norder${order}`, `Dir${Math.floor(n / 10000) * 10000}`, `Npix${n}.fits`))
    .filter((path) => existsSync(path))
    .map(fitsColumns)
}
