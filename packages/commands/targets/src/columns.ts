import { moveStar, parseAngle } from '@nightpipe/sky'
import type { TargetRow } from '@nightpipe/spectrographs'
import type { Field, Records } from './records.js'

type Column = keyof TargetRow & string

/** What columns are called elsewhere, without anything but letters and figures, lower case. */
const NAMES: Readonly<Record<string, Column | 'epoch'>> = Object.fromEntries(
  (
    Object.entries({
      Name: 'name mainid target object star id identifier simbadname starname targname designation',
      'RA(deg)': 'ra radeg raj2000 raicrs rightascension raicrsdeg alpha radegj2000 rad',
      'Dec(deg)': 'dec decdeg dej2000 deicrs decj2000 declination delta dedeg decicrs decd',
      Vmag: 'vmag v fluxv magv vt johnsonv',
      Bmag: 'bmag b fluxb magb johnsonb',
      gmag: 'gmag fluxg magg sloang',
      rmag: 'rmag fluxr magr sloanr',
      imag: 'imag fluxi magi sloani',
      Jmag: 'jmag j fluxj magj',
      Kmag: 'kmag k ks fluxk magk ksmag',
      PMRA: 'pmra pmracosdec pmracosde',
      PMDE: 'pmde pmdec',
      Plax: 'plax plx parallax plxvalue',
      RV: 'rv rvzradvel radialvelocity radvel rvvalue vrad',
      Teff: 'teff tefff effectivetemperature fehteff teffgspphot mesfehteff',
      Logg: 'logg loggf fehlogg logggspphot mesfehlogg surfacegravity',
      ZERO: 'zero template',
      epoch: 'epoch refepoch refepochyr',
    }) as [Column | 'epoch', string][]
  ).flatMap(([column, names]) => names.split(' ').map((name) => [name, column] as const)),
)

/** `RA_d (deg)`, `FLUX_V` and `plx_value` as `rad`, `fluxv` and `plxvalue`; what stands in brackets is a unit. */
const plain = (name: string) =>
  name
    .replace(/\(.*?\)|\[.*?\]/g, '')
    .replace(/[^a-z0-9]/gi, '')
    .toLowerCase()

/** A unit at the end of a name: `pmra_mas`, `rv_kms`, `parallax_arcsec`. */
const UNIT = /_(mas(?:_?yr)?|arcsec(?:_?yr)?|km_?s|m_?s|deg|k|dex|mag)$/i

/** Our column for a name of theirs, with or without its unit. */
const columnOf = (name: string) => NAMES[plain(name)] ?? NAMES[plain(name.replace(UNIT, ''))]

export interface Understood {
  /** column of ours, and which of theirs it is */
  columns: Map<Column | 'epoch', number>
  /** theirs that mean nothing to us */
  unknown: string[]
}

export function understand(fields: readonly Field[]): Understood {
  const columns = new Map<Column | 'epoch', number>()
  const unknown: string[] = []
  fields.forEach(({ name }, at) => {
    const column = columnOf(name)
    if (column === undefined || columns.has(column)) unknown.push(name)
    else columns.set(column, at)
  })
  return { columns, unknown }
}

const MISSING = /^(|--+|~|null|nan|n\/a|none|-99(\.9+0*)?|-999(\.9+0*)?|\.\.\.)$/i

/** The unit of a column: said by the table, in brackets behind its name, or at its end. */
function unitOf({ name, unit }: Field): string {
  const said = unit ?? /[([](.*?)[)\]]/.exec(name)?.[1] ?? UNIT.exec(name)?.[1]?.replace(/_?(s|yr)$/i, '/$1') ?? ''
  return said.toLowerCase()
}

export interface Star {
  row: TargetRow
  problems: string[]
}

/** The stars of a list; cells that cannot be read are missing, and said. */
export function starsOf({ fields, rows }: Records, { columns }: Understood): Star[] {
  return rows.map((cells, at) => {
    const problems: string[] = []
    const text = (column: Column | 'epoch') => {
      const place = columns.get(column)
      const cell = place === undefined ? '' : (cells[place] ?? '').trim()
      return MISSING.test(cell) ? undefined : cell
    }
    const row: Record<string, string | number | undefined> = { Name: text('Name') ?? `star ${at + 1}` }
    for (const [column, place] of columns) {
      const cell = text(column)
      if (cell === undefined || column === 'Name' || column === 'epoch') continue
      const value = column === 'ZERO' ? cell : cellValue(column, cell, fields[place]!)
      if (value === undefined || Number.isNaN(value)) problems.push(`${row.Name}: ${column}: '${cell}' is no number`)
      else row[column] = value
    }
    return { row: toJ2000(row as TargetRow, Number(text('epoch') ?? 2000)), problems }
  })
}

function cellValue(column: Column, cell: string, field: Field): number | undefined {
  const unit = unitOf(field)
  if (column === 'RA(deg)') {
    const inHours = /^\s*\d+[\s:h]/.test(cell) || /^(h|hour|hours|hms|h:m:s|"h:m:s")$/.test(unit)
    return tidy(parseAngle(cell, inHours ? 'hours' : 'degrees'))
  }
  if (column === 'Dec(deg)') return tidy(parseAngle(cell, 'degrees'))
  const number = cell === '' ? Number.NaN : Number(cell)
  const inArcsec = /arcsec|"\/yr|as\/yr/.test(unit) && !/mas/.test(unit)
  if (inArcsec && (column === 'PMRA' || column === 'PMDE' || column === 'Plax')) return number * 1000
  return column === 'RV' && /^m\/s|^m\.s-1|^m s-1/.test(unit) ? number / 1000 : number
}

/** To a microarcsecond or so: more digits are only those of the conversion. */
const tidy = <T extends number | undefined>(degrees: T) =>
  (degrees === undefined ? undefined : Math.round(degrees * 1e9) / 1e9) as T

/** Positions of another epoch (Gaia: 2016) moved back to that of the table. */
function toJ2000(row: TargetRow, epoch: number): TargetRow {
  const [ra, dec] = [row['RA(deg)'], row['Dec(deg)']]
  if (ra === undefined || dec === undefined || !(epoch > 1800 && epoch < 2200) || epoch === 2000) return row
  const [a, d] = moveStar([ra, dec], row.PMRA ?? 0, row.PMDE ?? 0, 2000 - epoch)
  return { ...row, 'RA(deg)': tidy(a), 'Dec(deg)': tidy(d) }
}
