import { DataError } from '@nightpipe/files'
import { parseAngle, wrapDegrees } from '@nightpipe/sky'
import type { LooseColumn, LooseTable } from './loose-table.js'
import type { SkyStars } from './star.js'
import { emptySkyStars } from './star-lists.js'

/** Which columns of a table are what; those that are not named are guessed. */
export interface StarColumns {
  ra: string
  dec: string
  pmRa: string
  pmDec: string
  id: string
  parallax: string
  raError: string
  decError: string
  /** Julian year of the positions, where the table does not say. */
  epoch: number
  /** By band: the column of the magnitudes, and that of their errors. */
  magnitudes: Readonly<Record<string, { value: string; error?: string }>>
}

type Named = Exclude<keyof StarColumns, 'epoch' | 'magnitudes'>

/** What catalogues call these, without case and signs: ours, Gaia, VizieR, Tycho-2, UCAC, PPMXL, SExtractor, ATLAS. */
const NAMES: Readonly<Record<Named, readonly string[]>> = {
  ra: [
    'ra',
    'radeg',
    'raicrs',
    'raj2000',
    'ra2000',
    'alphaj2000',
    'alphaicrs',
    'ramdeg',
    'rightascension',
    'catra',
    'alpha',
  ],
  dec: [
    'dec',
    'decdeg',
    'deicrs',
    'decicrs',
    'dej2000',
    'decj2000',
    'dec2000',
    'deltaj2000',
    'deltaicrs',
    'demdeg',
    'dedeg',
    'declination',
    'catdec',
    'delta',
    'de',
  ],
  pmRa: ['pmra', 'pmramasyr', 'pmramasperyr', 'pmracosdec', 'mualpha', 'mura', 'pmalpha'],
  pmDec: ['pmdec', 'pmdecmasyr', 'pmdecmasperyr', 'pmde', 'mudelta', 'mudec', 'pmdelta'],
  id: [
    'id',
    'sourceid',
    'source',
    'gaiaedr3',
    'designation',
    'name',
    'star',
    'starid',
    'identifier',
    'objid',
    'tyc',
    'number',
  ],
  parallax: ['parallax', 'plx', 'parallaxmas'],
  raError: ['raerr', 'raerror', 'erra', 'eraicrs', 'raerrmas', 'eramas', 'era', 'eramdeg', 'eraj2000'],
  decError: ['decerr', 'decerror', 'errdec', 'edeicrs', 'decerrmas', 'edecmas', 'ede', 'edec', 'edemdeg', 'edej2000'],
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Makes stars of a table. `where` names it in messages. */
export function starsOf(table: LooseTable, where: string, wanted: Partial<StarColumns> = {}): SkyStars {
  const find = (what: Named): LooseColumn | undefined => {
    const name = wanted[what]
    if (name !== undefined) return named(table, name, where)
    const columns = table.columns
    return NAMES[what].map((one) => columns.find((column) => plain(column.name) === one)).find((one) => one)
  }
  const [ra, dec] = [find('ra'), find('dec')]
  if (!ra || !dec) {
    const names = table.columns.map(({ name }) => name).join(', ')
    throw new DataError(
      `${where} has no columns of right ascension and declination that are known (it has ${names})`,
      'say which they are: ra = …, dec = …',
    )
  }
  const bands = magnitudeColumns(table, where, wanted)
  const epoch = wanted.epoch ?? epochOf(table, ra)
  const stars = emptySkyStars(Object.keys(bands), epoch, table.rows)
  stars.ra.set(angles(ra, 'ra', where).map(wrapDegrees))
  stars.dec.set(angles(dec, 'dec', where))
  const [pmRa, pmDec] = [find('pmRa'), find('pmDec')]
  if (pmRa && pmDec) {
    stars.pmRa.set(motions(pmRa))
    stars.pmDec.set(motions(pmDec))
  }
  for (const [band, { value, error }] of Object.entries(bands)) {
    stars.magnitudes[band].value.set(value.numbers().map(known))
    if (error) stars.magnitudes[band].error.set(error.numbers().map(known))
  }
  for (const key of ['raError', 'decError'] as const) {
    const column = find(key)
    if (column) stars[key] = inMas(column)
  }
  const parallax = find('parallax')
  if (parallax) stars.parallax = inMas(parallax)
  const id = find('id')
  if (id) stars.id = id.texts()
  return stars
}

function named(table: LooseTable, name: string, where: string): LooseColumn {
  const found = table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  if (found) return found
  const names = table.columns.map((column) => column.name).join(', ')
  throw new DataError(`${where} has no column ${name}`, `it has ${names}`)
}

/** Magnitudes that mean that there is none. */
const known = (value: number): number => (value >= 90 || value <= -90 ? Number.NaN : value)

interface Band {
  value: LooseColumn
  error?: LooseColumn
}

function magnitudeColumns(table: LooseTable, where: string, wanted: Partial<StarColumns>): Record<string, Band> {
  if (wanted.magnitudes) {
    return Object.fromEntries(
      Object.entries(wanted.magnitudes).map(([band, { value, error }]): [string, Band] => [
        band,
        { value: named(table, value, where), error: error === undefined ? undefined : named(table, error, where) },
      ]),
    )
  }
  const bands: Record<string, Band> = {}
  const all = table.columns.filter((column) => bandOf(column) !== undefined)
  // A magnitude of no band repeats one of the others where there are others.
  const columns = all.length > 1 ? all.filter((column) => plain(column.name) !== 'mag') : all
  for (const column of columns) {
    const band = bandOf(column)
    if (band !== undefined && !bands[band]) bands[band] = { value: column, error: errorOf(table, column, band) }
  }
  return bands
}

/** The band that a column's name says: BTmag, phot_g_mean_mag, MAG_r, gmag, Vmag, mag_g, truth_mag, j_m. */
function bandOf({ name }: LooseColumn): string | undefined {
  const gaia = /^phot_(g|bp|rp)_mean_mag$/i.exec(name)
  if (gaia) return gaia[1].toUpperCase()
  if (/^(e_|err_?|magerr|sigma_?)|(_?err(or)?|_sigma)$/i.test(name)) return undefined
  const before = /^(?:mag|m)_(\w+)$/i.exec(name)
  if (before) return before[1]
  const after = /^(\w*?)_?mag$/i.exec(name)
  if (after) return after[1] === '' ? 'mag' : after[1]
  return /^(?:BT|VT|[UBVRIJHK]|[ugri])$/.test(name) ? name : undefined
}

function errorOf(table: LooseTable, { name }: LooseColumn, band: string): LooseColumn | undefined {
  const candidates = [
    `e_${name}`,
    `${name}_error`,
    `${name}err`,
    `${name}_err`,
    `err_${name}`,
    `magerr_${band}`,
    `e_${band}`,
    `${band}_err`,
    `${band}_error`,
    `mag_err_${band}`,
    `magerr_${name}`,
    `sigma_${name}`,
  ]
  const wanted = candidates.map((one) => one.toLowerCase())
  return table.columns.find((column) => wanted.includes(column.name.toLowerCase()))
}

/** Degrees: numbers in the unit of the column, or sexagesimal text (right ascension then in hours). */
function angles(column: LooseColumn, which: 'ra' | 'dec', where: string): Float64Array {
  const numbers = column.numbers()
  const scale = /^(h|hour|hr)/i.test(column.unit) ? 15 : /^rad/i.test(column.unit) ? 180 / Math.PI : 1
  if (numbers.every((value) => !Number.isNaN(value))) return numbers.map((value) => value * scale)
  const texts = column.texts()
  return Float64Array.from(numbers, (value, k) => {
    if (!Number.isNaN(value)) return value * scale
    const angle = parseAngle(texts[k], which === 'ra' ? 'hours' : 'degrees')
    if (angle !== undefined) return angle
    throw new DataError(
      `'${texts[k]}' in row ${k + 1} of column ${column.name} of ${where} is no angle`,
      'mend or remove that row',
    )
  })
}

/** mas/yr, whatever the column counts in. */
function motions(column: LooseColumn): Float64Array {
  const unit = column.unit.toLowerCase().replace(/\s/g, '')
  const scale = /^(arcsec|as|")/.test(unit) ? 1000 : /^deg/.test(unit) ? 3.6e6 : 1
  return column.numbers().map((value) => value * scale)
}

function inMas(column: LooseColumn): Float32Array {
  const unit = column.unit.toLowerCase().trim()
  const scale = /^(arcsec|as$|")/.test(unit) ? 1000 : /^deg/.test(unit) ? 3.6e6 : 1
  return Float32Array.from(column.numbers(), (value) => value * scale)
}

/** The epoch that the table or the name of its column says; Gaia's columns say their own; else J2000. */
function epochOf(table: LooseTable, ra: LooseColumn): number {
  const said = Number(table.facts.get('EPOCH')?.replace(/^[JB]/i, ''))
  if (said >= 1800 && said <= 2200) return said
  const perStar = table.columns.find(({ name }) => /^(ref_epoch|epoch)$/i.test(name))
  const first = perStar?.numbers()[0]
  if (first !== undefined && first >= 1800 && first <= 2200) return first
  return plain(ra.name) === 'raicrs' && table.columns.some(({ name }) => /^(gmag|bpmag)$/i.test(name)) ? 2016 : 2000
}
