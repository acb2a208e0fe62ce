import { type Entry, type Fault, isHeaderName } from './descriptor.js'
import { readTsv, trimmed } from './tsv.js'
import { faultOfRange, inRange, isUnset, readType, readValue } from './values.js'

/** The first row of a set of keywords for the import of metadata, word by word. */
export const METADATA_COLUMNS = [
  ...['name', 'description', 'format', 'unit', 'default value', 'expected value', 'remark', 'SdB'],
] as const

/** One keyword of such a set. */
export interface Metadata {
  entry: Entry
  remark: string
  line: number
}

/** Reads the eight columns; goes on after a fault. */
export function metadataEntries(
  text: string,
  file: string,
  extension: string,
): { entries: Metadata[]; faults: Fault[] } {
  const faults: Fault[] = []
  const entries: Metadata[] = []
  const [head, ...rows] = readTsv(text)
  const wrong = METADATA_COLUMNS.findIndex((name, k) => head?.cells[k] !== name)
  const extra = trimmed(head?.cells ?? []).length > METADATA_COLUMNS.length
  if (wrong >= 0 || extra) {
    const message = extra
      ? `COL${trimmed(head!.cells).length} INVALID ROW FINDS: the first row has 8 names`
      : `column ${wrong + 1} is '${head?.cells[wrong] ?? ''}', '${METADATA_COLUMNS[wrong]}' expected`
    faults.push({ file, line: head?.line ?? 1, message })
    return { entries, faults }
  }
  const seen = new Map<string, number>()
  for (const { cells, line } of rows) {
    const tell = (message: string) => faults.push({ file, line, message })
    const count = trimmed(cells).length
    if (count > METADATA_COLUMNS.length || cells.length < METADATA_COLUMNS.length) {
      tell(`COL${Math.max(count, cells.length)} INVALID ROW FINDS: ${METADATA_COLUMNS.length} cells expected`)
      continue
    }
    const before = seen.get(cells[0]!)
    if (before) tell(`key ${cells[0]} already exist, from line ${before}`)
    else seen.set(cells[0]!, line)
    const entry = metadataEntry(cells, extension, tell)
    if (entry && !before) entries.push({ entry, remark: cells[6]!, line })
  }
  return { entries, faults }
}

function metadataEntry(
  cells: readonly string[],
  extension: string,
  tell: (message: string) => void,
): Entry | undefined {
  const [name, description, format, unit, given, expected, , sdb] = cells as [
    ...[string, string, string, string, string, string, string, string],
  ]
  if (!isHeaderName(name)) tell(`${name} Is not header: a keyword of a header has 1 to 8 of A-Z, 0-9, _ and -`)
  const type = readType(format)
  if (!type) tell(`${name}: '${format}' is no format (string, integer, float, double, boolean)`)
  const searched = isUnset(sdb) ? false : readValue(sdb, 'boolean')
  if (searched === undefined) tell(`${name}: SdB is '${sdb}', true or false expected`)
  if (!type) return undefined
  const range = isUnset(expected)
    ? []
    : expected
        .split(';')
        .map((part) => part.trim())
        .filter((part) => part !== '')
  const bad = range.map((part) => faultOfRange(part, type.dataType)).filter((fault) => fault !== undefined)
  for (const fault of bad) tell(`${name}: ${fault}`)
  const entry: Entry = {
    ...{ name, description, extension, dataType: type.dataType, unit: isUnset(unit) ? '' : unit, range },
    ...{ sdbSearch: searched === true, baSearch: false },
  }
  if (isUnset(given)) return entry
  const value = readValue(given, type.dataType)
  if (value === undefined) tell(`${name}: the default value '${given}' is no ${type.dataType}`)
  else if (bad.length === 0 && !inRange(value, entry))
    tell(`${name}: the default value ${given} is not among the expected ${range.join(';')}`)
  return value === undefined ? entry : { ...entry, default: value }
}

/** What the store is sent: the keywords of a set, as a list. */
export function metadataJson(entries: readonly Metadata[]): unknown[] {
  return entries.map(({ entry, remark }) => ({
    ...{ name: entry.name, description: entry.description, format: entry.dataType, unit: entry.unit },
    ...{ default_value: entry.default ?? null, expected_value: entry.range, remark, sdb: entry.sdbSearch },
  }))
}
