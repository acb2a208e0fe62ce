import { DataError } from '@nightpipe/files'
import { type LooseColumn, type LooseTable, numberColumn, textColumn } from './loose-table.js'
import { readBinaryRows } from './votable-binary.js'
import { attributesOf, decodeText, elements, inside } from './xml.js'

/** A FIELD of a VOTable. */
export interface VoField {
  name: string
  datatype: string
  /** Values in a cell: a number, or undefined where each cell says it. */
  count: number | undefined
  /** More than one value may stand in a cell. */
  array: boolean
  unit: string
  ucd: string
  /** The integer that means no value. */
  nullValue: string | undefined
}

/** What an answer of a service says about itself. */
export interface VoStatus {
  status?: string
  message?: string
  /** The service cut the answer off at a limit. */
  overflow: boolean
}

/** The first table of a VOTable document (IVOA VOTable 1.1 to 1.5): TABLEDATA, BINARY or BINARY2. */
export function votable(text: string, path: string): LooseTable {
  const said = votableStatus(text)
  if (said.status === 'ERROR') throw new DataError(`${path} says: ${said.message || 'an error, without a word why'}`)
  const table = elements(text, 'TABLE')[0]
  if (!table) throw new DataError(`${path} is no VOTable with a table`, 'give a VOTable, FITS or CSV file')
  const fields = elements(table.inner, 'FIELD').map(({ attributes, inner }) => fieldOf(attributes, inner))
  const facts = factsOf(text)
  const data = inside(table.inner, 'DATA')
  const cells = data === undefined ? fields.map(() => []) : readCells(data, fields, path)
  const rows = cells[0]?.length ?? 0
  return { rows, columns: fields.flatMap((field, k) => columnOf(field, cells[k])), facts }
}

/** The QUERY_STATUS of an answer, which may stand after the table as well (an overflow does). */
export function votableStatus(text: string): VoStatus {
  const said: VoStatus = { overflow: false }
  for (const { attributes, inner } of elements(text, 'INFO')) {
    const { name = '', value = '' } = attributesOf(attributes)
    if (name.toUpperCase() !== 'QUERY_STATUS') continue
    if (value.toUpperCase() === 'OVERFLOW') said.overflow = true
    else if (said.status === undefined) Object.assign(said, { status: value.toUpperCase(), message: decodeText(inner) })
  }
  return said
}

function fieldOf(attributes: string, inner: string): VoField {
  const { name, ID, datatype = 'char', arraysize, unit = '', ucd = '' } = attributesOf(attributes)
  const size = arraysize?.trim() ?? ''
  const sizes = size === '' ? [1] : size.split('x').map((part) => (part.includes('*') ? undefined : Number(part)))
  const count = sizes.includes(undefined) ? undefined : (sizes as number[]).reduce((a, b) => a * b, 1)
  const values = elements(inner, 'VALUES')[0]
  const nullValue = values && attributesOf(values.attributes).null
  return { name: name ?? ID ?? '', datatype, count, array: size !== '' && count !== 1, unit, ucd, nullValue }
}

/** COOSYS says the equinox and the epoch of the positions. */
function factsOf(text: string): Map<string, string> {
  const facts = new Map<string, string>()
  const system = elements(text, 'COOSYS')[0]
  const { epoch, equinox, system: name } = system ? attributesOf(system.attributes) : {}
  if (epoch) facts.set('EPOCH', epoch)
  if (equinox) facts.set('EQUINOX', equinox)
  if (name) facts.set('RADESYS', name)
  return facts
}

/** The cells as text, column by column; an empty text is no value. */
function readCells(data: string, fields: readonly VoField[], path: string): string[][] {
  const tabular = inside(data, 'TABLEDATA')
  if (tabular !== undefined) return readTableData(tabular, fields, path)
  for (const kind of ['BINARY2', 'BINARY'] as const) {
    const binary = inside(data, kind)
    const stream = binary === undefined ? undefined : elements(binary, 'STREAM')[0]
    if (!stream) continue
    const { encoding, href } = attributesOf(stream.attributes)
    if (href !== undefined || (encoding !== undefined && encoding !== 'base64')) {
      const problem = href === undefined ? `a stream encoded as ${encoding}` : `its data in another file (${href})`
      throw new DataError(`${path} has ${problem}`, 'ask the service for TABLEDATA')
    }
    return readBinaryRows(Buffer.from(stream.inner, 'base64'), fields, kind === 'BINARY2', path)
  }
  throw new DataError(`${path} has its table in a form that is not read here`, 'ask the service for TABLEDATA')
}

const CELL = /<(?:\w+:)?TD\b([^>]*?)(?:\/>|>([\s\S]*?)<\/(?:\w+:)?TD\s*>)/g

function readTableData(text: string, fields: readonly VoField[], path: string): string[][] {
  const columns: string[][] = fields.map(() => [])
  let rows = 0
  for (const { inner } of elements(text, 'TR')) {
    let k = 0
    for (const [, , cell = ''] of inner.matchAll(CELL)) columns[k++]?.push(decodeText(cell).trim())
    rows++
    if (k !== fields.length) {
      throw new DataError(`row ${rows} of ${path} has ${k} cells, the table has ${fields.length} fields`)
    }
  }
  return columns
}

const NUMBERS = ['short', 'int', 'float', 'double', 'unsignedByte']

function columnOf(field: VoField, cells: readonly string[]): LooseColumn[] {
  const { name, unit, ucd, datatype, nullValue } = field
  const text = datatype === 'char' || datatype === 'unicodeChar' || datatype === 'long'
  if (field.array && !text) return []
  if (!NUMBERS.includes(datatype)) return [textColumn(name, cells, unit, ucd)]
  const numbers = Float64Array.from(cells, (cell) => (cell === '' || cell === nullValue ? Number.NaN : Number(cell)))
  return [numberColumn(name, numbers, unit, ucd)]
}
