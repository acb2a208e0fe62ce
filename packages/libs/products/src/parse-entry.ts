import { type Entry, isColumnName, isHeaderName, PRIMARY } from './descriptor.js'
import { type TsvRow, trimmed } from './tsv.js'
import { faultOfRange, faultOfValue, inRange, isUnset, readType, readValue } from './values.js'

/** The columns of a list of keywords, in this order unless a row of their names says otherwise. */
export const ENTRY_COLUMNS = [
  ...['name', 'description', 'location', 'data_type', 'unit', 'default', 'range', 'sdb_search', 'ba_search'],
] as const
type EntryColumn = (typeof ENTRY_COLUMNS)[number]

/** Which cell holds what. */
export type Order = Readonly<Record<EntryColumn, number>> & { count: number; strict: boolean }

export const USUAL_ORDER = orderOf(ENTRY_COLUMNS)

function orderOf(names: readonly string[], strict = false): Order {
  const places = Object.fromEntries(ENTRY_COLUMNS.map((name) => [name, names.indexOf(name)]))
  return { ...(places as Record<EntryColumn, number>), count: names.length, strict }
}

/** The order that a row of names tells, and what is wrong with the names; undefined for a row that is none. */
export function readOrder(cells: readonly string[]): { order: Order; faults: string[] } | undefined {
  const names = trimmed(cells).map((cell) => cell.toLowerCase().replace(/[\s-]+/g, '_'))
  if (names[0] !== 'name' || !names.includes('data_type')) return undefined
  const odd = names.flatMap((name, k) => {
    if (!(ENTRY_COLUMNS as readonly string[]).includes(name))
      return [`COL${k + 1} INVALID ROW FINDS: '${name}' is no column of a descriptor (${ENTRY_COLUMNS.join(', ')})`]
    return names.indexOf(name) < k ? [`COL${k + 1} INVALID ROW FINDS: a second column ${name}`] : []
  })
  return { order: orderOf(names, true), faults: odd }
}

/**
 * A row as a keyword or a column of `extension`, and all that is wrong with it. Where its type is none it is taken for a
 * text, so that what else is wrong with it and around it is told too; `lost` is a row of which not even the place is known.
 */
export function parseEntry(
  row: TsvRow,
  extension: string,
  order: Order,
): { entry?: Entry; faults: string[]; lost?: boolean } {
  const count = Math.max(trimmed(row.cells).length, order.strict ? Math.min(row.cells.length, order.count) : 0)
  const least = order.strict ? order.count : 4
  if (count < least || count > order.count) {
    const wanted = order.strict || count > order.count ? `${order.count}` : `at least ${least}`
    return { faults: [`COL${count} INVALID ROW FINDS: ${count} cells, ${wanted} expected`], lost: true }
  }
  const cell = (name: EntryColumn) => (order[name] < 0 ? '' : (row.cells[order[name]] ?? ''))
  const faults: string[] = []
  const name = cell('name')
  const column = locationOf(cell('location'), name, extension, faults)
  const lost = faults.length > 0
  const isColumn = column !== undefined
  if (isColumn ? !isColumnName(name) : !isHeaderName(name)) {
    faults.push(`${name} Is not header: ${isColumn ? 'a column has letters, digits, _ and -' : HEADER_RULE}`)
  } else if (!isColumn && !lost && STRUCTURE.test(name)) faults.push(`${name} Is not header: FITS says its value`)
  const type = readType(cell('data_type'))
  if (!type) faults.push(`${name}: '${cell('data_type')}' is no data type (string, integer, float, double, boolean)`)
  const searches = (['sdb_search', 'ba_search'] as const).map((which) => search(cell(which), which, name, faults))
  const range =
    cell('range') === '' || isUnset(cell('range'))
      ? []
      : cell('range')
          .split(';')
          .map((part) => part.trim())
  const entry: Entry = {
    ...{ name, description: cell('description'), extension, dataType: type?.dataType ?? 'string' },
    ...(isColumn ? { column, format: type?.format ?? '1A' } : {}),
    ...{ unit: isUnset(cell('unit')) ? '' : cell('unit'), range: range.filter((part) => part !== '') },
    // What stands in tables is not indexed by the store.
    ...{ sdbSearch: searches[0]! && !isColumn, baSearch: searches[1]! },
  }
  return { entry: type ? withDefault(entry, cell('default'), faults) : entry, faults, lost }
}

/** Keywords that say how the file is built. */
const STRUCTURE =
  /^(SIMPLE|XTENSION|EXTEND|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|THEAP|END|T(TYPE|FORM|UNIT|NULL|DIM|SCAL|ZERO|DISP)\d+)$/

const HEADER_RULE = 'a keyword of a header has 1 to 8 of A-Z, 0-9, _ and -'

/** The column that a location names; undefined for the header. */
function locationOf(said: string, name: string, extension: string, faults: string[]): number | undefined {
  if (/^(header|keyword)$/i.test(said) || (said === '' && extension === PRIMARY)) return undefined
  const column = /^\[\s*col\s*#\s*(\d+)\s*\]$/i.exec(said)
  if (!column) {
    const what = said === '' ? 'has no location' : `has the location '${said}'`
    faults.push(`no column found for ${extension} extension: ${name} ${what} (header, or [col#n])`)
    return undefined
  }
  if (extension === PRIMARY) {
    faults.push(`${name}: ${said} in ${PRIMARY}, which holds no table`)
    return undefined
  }
  if (Number(column[1]) === 0) faults.push(`${name}: columns are counted from [col#1]`)
  return Number(column[1])
}

function search(said: string, which: string, name: string, faults: string[]): boolean {
  if (isUnset(said)) return false
  const value = readValue(said, 'boolean')
  if (value === undefined) faults.push(`${name}: ${which} is '${said}', true or false expected`)
  return value === true
}

function withDefault(entry: Entry, said: string, faults: string[]): Entry {
  const { name, dataType, range } = entry
  for (const part of range) {
    const fault = faultOfRange(part, dataType)
    if (fault) faults.push(`${name}: ${fault}`)
  }
  const unset = said === '' || (isUnset(said) && !range.includes(said))
  // The partners write n.a. for a text that is not known yet.
  if (unset) return dataType === 'string' && said !== '' && range.length === 0 ? { ...entry, default: said } : entry
  const value = readValue(said, dataType)
  if (value === undefined) {
    faults.push(`${name}: the default '${said}' is no ${dataType}`)
    return entry
  }
  const full = { ...entry, default: value }
  const tooMuch = faultOfValue(value, entry.format)
  if (tooMuch) faults.push(`${name}: the default ${said} ${tooMuch}`)
  if (!range.some((part) => faultOfRange(part, dataType)) && !inRange(value, full))
    faults.push(`${name}: the default ${said} is not in its range ${range.join(';')}`)
  return full
}
