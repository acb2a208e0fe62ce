import { type Descriptor, type Entry, type Fault, PRIMARY } from './descriptor.js'
import { METADATA_COLUMNS, metadataEntries } from './metadata.js'
import { type Order, parseEntry, readOrder, USUAL_ORDER } from './parse-entry.js'
import { readTsv, type TsvRow, trimmed } from './tsv.js'

export interface ParsedDescriptor {
  descriptor: Descriptor
  /** sorted by file and line; a descriptor with faults is not to be used */
  faults: Fault[]
}

/** What the rows before the first HDU say, and which of it must be said. */
const CARD_KEYS = {
  ...{ card: true, contact: false, description: false, dp_level: false, dstream: false, instrument: true },
  ...{ name: false, prdm_ver: false, programs: false, unicity_rule: false },
} as const
type CardKey = keyof typeof CARD_KEYS

/** An entry and where it was written. */
interface Written {
  entry: Entry
  file: string
  line: number
}

interface Reading {
  file: string
  readSet: (name: string) => string | undefined
  faults: Fault[]
  card: Map<CardKey, { text: string; line: number }>
  extensions: { name: string; line: number }[]
  entries: Written[]
  /** rows of each extension whose column is not known */
  lost: Map<string, number>
}

/**
 * Reads a descriptor from tab-separated text: rows `CARD key value`, then `[HDU] name` and a row for each keyword or column, or
 * `[imported keywords] file` for a shared set, which `readSet` finds. Goes on after a fault, so that all are told at once.
 */
export function parseDescriptor(
  text: string,
  file: string,
  readSet: (name: string) => string | undefined = () => undefined,
): ParsedDescriptor {
  const reading: Reading = { file, readSet, faults: [], card: new Map(), extensions: [], entries: [], lost: new Map() }
  let order = USUAL_ORDER
  for (const row of readTsv(text)) order = readRow(row, reading, order)
  const descriptor = assemble(reading)
  checkWhole(descriptor, reading)
  return { descriptor, faults: sorted(reading.faults) }
}

export const sorted = (faults: readonly Fault[]) =>
  [...faults].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line))

const fault = (reading: Reading, line: number, message: string, file = reading.file) =>
  reading.faults.push({ file, line, message })

/** Takes a row, and gives the order of cells for the next one. */
function readRow(row: TsvRow, reading: Reading, order: Order): Order {
  const [first = '', second = ''] = row.cells
  const section = /^\[\s*(.+?)\s*\]$/.exec(first)?.[1]
  if (section && /^imported keywords$/i.test(section)) {
    importSets(row, reading)
    return order
  }
  if (section && !/^col\s*#/i.test(section)) {
    openExtension(/^hdu$/i.test(section) ? second : section, row.line, reading)
    return USUAL_ORDER
  }
  const named = readOrder(row.cells)
  const extension = reading.extensions.at(-1)
  if (named) for (const message of named.faults) fault(reading, row.line, message)
  else if (!extension) readCardRow(row, reading)
  else readEntryRow(row, { extension: extension.name, order, file: reading.file }, reading)
  return named?.order ?? order
}

/** A keyword or a column; `set` is the shared set that it stands in. */
function readEntryRow(
  row: TsvRow,
  { extension, order, file, set }: { extension: string; order: Order; file: string; set?: string },
  reading: Reading,
): void {
  const { entry, faults, lost } = parseEntry(row, extension, order)
  for (const message of faults) fault(reading, row.line, message, file)
  if (lost) reading.lost.set(extension, (reading.lost.get(extension) ?? 0) + 1)
  if (entry) enter({ entry: set ? { ...entry, imported: set } : entry, file, line: row.line }, reading)
}

function openExtension(name: string, line: number, reading: Reading): void {
  const known = /^primary(\s*hdu)?$/i.test(name) ? PRIMARY : name
  if (known === '') fault(reading, line, '[HDU] names no extension')
  const before = reading.extensions.find((one) => one.name === known)
  if (before) fault(reading, line, `extension ${known} already exist, from line ${before.line}`)
  if (known !== PRIMARY && reading.extensions.length === 0) fault(reading, line, `${known} comes before ${PRIMARY}`)
  reading.extensions.push({ name: known, line })
}

function readCardRow({ cells, line }: TsvRow, reading: Reading): void {
  const [first = '', second = '', ...more] = trimmed(cells)
  const isKey = (word: string): word is CardKey => word.toLowerCase() in CARD_KEYS
  const named = /^card$/i.test(first) && (more.length > 0 || isKey(second))
  const [key, text] = named ? [second, more.join(' ')] : [first, second]
  if (!isKey(key)) {
    const known = Object.keys(CARD_KEYS).join(', ')
    fault(
      reading,
      line,
      `COL${trimmed(cells).length} INVALID ROW FINDS: '${key}' before the first [HDU] (known: ${known})`,
    )
    return
  }
  const name = key.toLowerCase() as CardKey
  const before = reading.card.get(name)
  if (before) fault(reading, line, `key ${name} already exist, from line ${before.line}`)
  else reading.card.set(name, { text, line })
}

/** The keywords of a shared set come into the extension at hand, with the defaults that the set gives them. */
function importSets({ cells, line }: TsvRow, reading: Reading): void {
  const extension = reading.extensions.at(-1)
  const files = trimmed(cells.slice(1)).filter((cell) => cell !== '')
  if (!extension) fault(reading, line, '[imported keywords] stands before the first [HDU]')
  if (files.length === 0) fault(reading, line, '[imported keywords] names no file')
  for (const file of files) {
    const text = reading.readSet(file)
    if (text === undefined) fault(reading, line, `[imported keywords] ${file}: no such file`)
    else if (extension) readSetRows(text, file, extension.name, reading)
  }
}

function readSetRows(text: string, file: string, extension: string, reading: Reading): void {
  const rows = readTsv(text)
  const isMetadata = rows[0]?.cells.length === METADATA_COLUMNS.length && rows[0].cells.includes('SdB')
  if (isMetadata) {
    const { entries, faults } = metadataEntries(text, file, extension)
    reading.faults.push(...faults)
    for (const { entry, line } of entries) enter({ entry: { ...entry, imported: file }, file, line }, reading)
    return
  }
  let order = USUAL_ORDER
  for (const row of rows) {
    const named = readOrder(row.cells)
    if (named) {
      for (const message of named.faults) fault(reading, row.line, message, file)
      order = named.order
      continue
    }
    if (/^\[.*\]$/.test(row.cells[0] ?? '')) {
      fault(reading, row.line, `${row.cells[0]} in a shared set of keywords`, file)
      continue
    }
    readEntryRow(row, { extension, order, file, set: file }, reading)
  }
}

/** Adds an entry, unless its name is there; sets and own rows are looked at alike. */
function enter(written: Written, reading: Reading): void {
  const { entry, file, line } = written
  const same = (other: Entry) =>
    other.extension === entry.extension && (other.column === undefined) === (entry.column === undefined)
  const before = reading.entries.find((other) => same(other.entry) && other.entry.name === entry.name)
  if (before) {
    const where = before.file === file ? `line ${before.line}` : `${before.file}:${before.line}`
    fault(reading, line, `key ${entry.name} already exist in ${entry.extension}, from ${where}`, file)
    return
  }
  reading.entries.push(written)
}

function assemble({ card, extensions, entries }: Reading): Descriptor {
  const text = (key: CardKey) => card.get(key)?.text ?? ''
  const list = (said: string) =>
    said
      .split(/[;,]/)
      .map((word) => word.trim())
      .filter((word) => word !== '')
  const rules = text('unicity_rule')
    .split(';')
    .map((rule) => rule.split(':'))
    .filter((rule) => rule.length === 2)
    .map(([program, names]) => [program!.trim(), list(names!)] as const)
  const names = [...new Set(extensions.map(({ name }) => name))]
  const hasTable = (name: string) => entries.some(({ entry }) => entry.extension === name && entry.column !== undefined)
  return {
    ...{ card: text('card') || text('name'), contact: text('contact'), description: text('description') },
    ...{ dpLevel: text('dp_level'), dstream: text('dstream'), instrument: text('instrument') },
    ...{ name: text('name') || text('card'), prdmVer: text('prdm_ver'), programs: list(text('programs')) },
    unicityRule: Object.fromEntries(rules),
    extensions: names.map((name) => ({ name, type: name !== PRIMARY && hasTable(name) ? 'bintable' : 'image' })),
    entries: entries.map(({ entry }) => entry),
  }
}

/** What only the whole shows: what is missing, and columns that do not follow one another. */
function checkWhole(descriptor: Descriptor, reading: Reading): void {
  for (const [key, needed] of Object.entries(CARD_KEYS)) {
    const row = reading.card.get(key as CardKey)
    const said = key === 'card' ? descriptor.card : row?.text
    if (needed && !said) fault(reading, row?.line ?? 1, `CARD ${key} is ${row ? 'empty' : 'missing'}`)
  }
  const rule = reading.card.get('unicity_rule')
  if (rule && rule.text !== '' && !Object.keys(descriptor.unicityRule).length)
    fault(reading, rule.line, `unicity_rule '${rule.text}' is not PROGRAM: KEYWORD, KEYWORD; …`)
  for (const [program, names] of Object.entries(descriptor.unicityRule)) {
    for (const name of names) {
      const known = reading.entries.some(({ entry }) => entry.name === name && entry.column === undefined)
      if (!known) fault(reading, rule!.line, `unicity_rule of ${program}: no keyword ${name} is declared`)
    }
  }
  if (!reading.extensions.some(({ name }) => name === PRIMARY)) fault(reading, 1, `[HDU] ${PRIMARY} is missing`)
  for (const { name, line } of reading.extensions) if (name !== PRIMARY) checkColumns(name, line, reading)
}

function checkColumns(extension: string, line: number, reading: Reading): void {
  const columns = reading.entries.filter(({ entry }) => entry.extension === extension && entry.column !== undefined)
  if (columns.length === 0) {
    if (extension !== '' && !reading.lost.has(extension))
      fault(reading, line, `no column found for ${extension} extension`)
    return
  }
  const seen = new Map<number, Written>()
  for (const written of columns) {
    const { column, name } = written.entry
    const before = seen.get(column!)
    if (before) fault(reading, written.line, `${name}: [col#${column}] is ${before.entry.name} already`, written.file)
    else seen.set(column!, written)
  }
  const numbers = [...seen.keys()].sort((a, b) => a - b)
  // Rows that were told as bad may be those that are missing.
  let lost = reading.lost.get(extension) ?? 0
  numbers.forEach((number, k) => {
    const last = k === 0 ? 0 : numbers[k - 1]!
    if (number <= last + 1) return
    lost -= number - last - 1
    if (lost >= 0) return
    const { line: at, file } = seen.get(number)!
    const missing = number === last + 2 ? `[col#${last + 1}]` : `[col#${last + 1}] to [col#${number - 1}]`
    fault(reading, at, `no column found for ${extension} extension: ${missing} before [col#${number}]`, file)
  })
}
