import type { SkyStars } from './star.js'
import { starColumns } from './tile.js'
import { encodeText } from './xml.js'

const TYPES: Readonly<Record<string, string>> = { D: 'double', E: 'float' }

/** Stars as a VOTable 1.4 document (TABLEDATA). */
export function starsAsVotable(stars: SkyStars, name: string): string {
  const columns = starColumns(stars)
  const fields = columns.map(({ name, unit, format = '' }) => {
    const type = TYPES[format] ? `datatype="${TYPES[format]}"` : 'datatype="char" arraysize="*"'
    return `   <FIELD name="${encodeText(name)}" ${type}${unit ? ` unit="${unit}"` : ''}${UCDS[name] ?? magnitudeUcd(name)}/>`
  })
  const rows = Array.from({ length: stars.count }, (_, k) => {
    const cells = columns.map(({ values, format }) => `<TD>${encodeText(cellText(values[k], format))}</TD>`)
    return `    <TR>${cells.join('')}</TR>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
    ' <RESOURCE type="results">',
    '  <INFO name="QUERY_STATUS" value="OK"/>',
    `  <COOSYS ID="system" system="ICRS" epoch="J${stars.epoch}"/>`,
    `  <TABLE name="${encodeText(name)}">`,
    ...fields,
    '   <DATA><TABLEDATA>',
    ...rows,
    '   </TABLEDATA></DATA>',
    '  </TABLE>',
    ' </RESOURCE>',
    '</VOTABLE>\n',
  ].join('\n')
}

const UCDS: Readonly<Record<string, string>> = {
  RA: ' ucd="pos.eq.ra;meta.main" ref="system"',
  DEC: ' ucd="pos.eq.dec;meta.main" ref="system"',
  PMRA: ' ucd="pos.pm;pos.eq.ra"',
  PMDEC: ' ucd="pos.pm;pos.eq.dec"',
  ID: ' ucd="meta.id;meta.main"',
}

const magnitudeUcd = (name: string): string => (name.startsWith('MAG_') ? ' ucd="phot.mag"' : '')

/** The value of a cell; float32 values with the digits that they have. Nothing where there is no value. */
export function cellText(value: unknown, format?: string): string {
  if (typeof value !== 'number') return String(value ?? '')
  if (Number.isNaN(value)) return ''
  return format === 'E' ? String(Number(value.toPrecision(7))) : String(value)
}

/** Stars as CSV with the column names of the tiles, in lower case; a comment says the epoch. */
export function starsAsCsv(stars: SkyStars): string {
  const columns = starColumns(stars)
  const head = columns.map(({ name }) =>
    name.startsWith('MAG') ? name.replace(/^MAG(ERR)?/, (a) => a.toLowerCase()) : name.toLowerCase(),
  )
  const rows = Array.from({ length: stars.count }, (_, k) =>
    columns.map(({ values, format }) => quoted(cellText(values[k], format))).join(','),
  )
  return [`# epoch: ${stars.epoch}`, head.join(','), ...rows, ''].join('\n')
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
