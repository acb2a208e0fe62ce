import { type Column, type FitsFile, findCard, type Hdu, readTable } from '@nightpipe/fits'
import { columnsOf, type Descriptor, type Entry, type Extension, keywordsOf, PRIMARY } from './descriptor.js'
import { fitsType } from './descriptor-json.js'
import { mayLack } from './product-hdus.js'
import { inRange, isUnset } from './values.js'

/** One way in which a file is not what its descriptor says. */
export interface Difference {
  extension: string
  /** keyword or column; empty for the extension itself */
  name: string
  kind: 'missing' | 'extra' | 'type' | 'unit' | 'range' | 'order' | 'structure'
  expected: string
  found: string
}

/** Cards that every FITS file has, or that say who made it. */
const FORM =
  /^(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|TFIELDS|EXTNAME|EXTVER|EXTLEVEL|CHECKSUM|DATASUM|NP_\w+|COMMENT|HISTORY|CONTINUE|LONGSTRN|END|T(TYPE|FORM|UNIT|NULL|DISP|DIM|COMM|SCAL|ZERO)\d+|)$/

/** HDUs that may follow: they tell of what the product was made. */
const BESIDE = ['PROVENANCE']

/** All differences between a file and its descriptor, in the order of the descriptor. */
export function checkProduct(file: FitsFile, descriptor: Descriptor): Difference[] {
  const found: Difference[] = []
  const used = new Set<number>([0])
  descriptor.extensions.forEach((extension, k) => {
    const hdu =
      extension.name === PRIMARY ? file.hdus[0] : file.hdus.find(({ name }) => name === extension.name.toUpperCase())
    const missing = { extension: extension.name, name: '', kind: 'missing' as const }
    if (!hdu) {
      found.push({ ...missing, expected: extension.type === 'bintable' ? 'a table' : 'an HDU', found: 'none' })
      return
    }
    used.add(hdu.index)
    if (hdu.index !== k) found.push({ ...missing, kind: 'order', expected: `HDU ${k}`, found: `HDU ${hdu.index}` })
    found.push(...checkKind(hdu, extension), ...checkHeader(hdu, extension.name, descriptor))
    if (extension.type === 'bintable' && hdu.kind === 'table')
      found.push(...checkTable(hdu, columnsOf(descriptor, extension.name)))
  })
  for (const hdu of file.hdus) {
    if (used.has(hdu.index) || BESIDE.includes(hdu.name)) continue
    const name = hdu.name || `HDU ${hdu.index}`
    found.push({ extension: name, name: '', kind: 'extra', expected: 'no such HDU', found: hdu.kind })
  }
  return found
}

function checkKind(hdu: Hdu, { name, type }: Extension): Difference[] {
  if (type !== 'bintable' || hdu.kind === 'table') return []
  return [{ extension: name, name: '', kind: 'structure', expected: 'a binary table', found: hdu.kind }]
}

function checkHeader(hdu: Hdu, extension: string, descriptor: Descriptor): Difference[] {
  const declared = keywordsOf(descriptor, extension)
  const found: Difference[] = []
  for (const entry of declared) {
    const card = findCard(hdu.header, entry.name)
    const differ = (kind: Difference['kind'], expected: string, what: string) =>
      found.push({ extension, name: entry.name, kind, expected, found: what })
    if (!card) {
      if (!mayLack(entry)) differ('missing', `a ${entry.dataType}`, 'no such keyword')
      continue
    }
    const { value, comment } = card
    if (value === undefined) continue
    const plain = typeof value === 'bigint' ? Number(value) : value
    if (!fitsType(plain, entry.dataType)) differ('type', entry.dataType, `${typeof value} ${value}`)
    else if (!(typeof plain === 'string' && isUnset(plain)) && !inRange(plain, entry))
      differ('range', entry.range.join(';'), String(value))
    const unit = /^\s*\[([^\]]*)\]/.exec(comment)?.[1]
    if (entry.unit && unit !== entry.unit) differ('unit', entry.unit, unit ?? 'none')
  }
  const names = new Set(declared.map(({ name }) => name))
  for (const { keyword, value } of hdu.header.cards) {
    if (names.has(keyword) || FORM.test(keyword)) continue
    found.push({ extension, name: keyword, kind: 'extra', expected: 'no such keyword', found: String(value ?? '') })
  }
  return found
}

function checkTable(hdu: Hdu, declared: readonly Entry[]): Difference[] {
  const { columns } = readTable(hdu)
  const found: Difference[] = []
  const extension = declared[0]!.extension
  const differ = (name: string, kind: Difference['kind'], expected: string, what: string) =>
    found.push({ extension, name, kind, expected, found: what })
  for (const entry of declared) {
    const at = columns.findIndex(({ name }) => name.trim().toUpperCase() === entry.name.toUpperCase())
    const column = columns[at]
    if (!column) {
      differ(entry.name, 'missing', `a column ${entry.format}`, 'no such column')
      continue
    }
    if (at + 1 !== entry.column) differ(entry.name, 'order', `column ${entry.column}`, `column ${at + 1}`)
    const format = normal(column.format)
    if (format !== normal(entry.format!)) differ(entry.name, 'type', entry.format!, column.format)
    else checkValues(entry, column, differ)
    if (column.unit.trim() !== entry.unit)
      differ(entry.name, 'unit', entry.unit || 'none', column.unit.trim() || 'none')
  }
  const names = new Set(declared.map(({ name }) => name.toUpperCase()))
  for (const { name, format } of columns)
    if (!names.has(name.trim().toUpperCase())) differ(name, 'extra', 'no such column', format)
  return found
}

const normal = (format: string) => format.trim().replace(/^(?=[A-Z])/, '1')

/** The first value out of range, and how many are. */
function checkValues(
  entry: Entry,
  { values, nulls }: Column,
  differ: (name: string, kind: Difference['kind'], expected: string, found: string) => void,
): void {
  if (entry.range.length === 0) return
  const bad: { row: number; value: unknown }[] = []
  Array.from(values as ArrayLike<unknown>).forEach((raw, row) => {
    const value = typeof raw === 'bigint' ? Number(raw) : raw
    const none = value === undefined || nulls?.[row] === 1 || (typeof value === 'number' && Number.isNaN(value))
    if (none || (typeof value === 'string' && value.trim() === '')) return
    if (!inRange(value as string, entry)) bad.push({ row, value })
  })
  if (bad.length === 0) return
  const more = bad.length > 1 ? ` (${bad.length} rows)` : ''
  differ(entry.name, 'range', entry.range.join(';'), `${String(bad[0]!.value)} in row ${bad[0]!.row + 1}${more}`)
}

/** The card that a file says it is of. */
export function cardOf(file: FitsFile): string | undefined {
  for (const { header } of file.hdus) {
    const value = findCard(header, 'CARD')?.value
    if (typeof value === 'string' && value.trim() !== '') return value.trim()
  }
  return undefined
}
