import { readFileSync } from 'node:fs'
import { DataError, explainSystemError } from '@nightpipe/files'
import { parseCsv } from '@nightpipe/table'
import { childrenNamed, parseXml, type XmlElement, XmlError } from '@nightpipe/xml'

/** A column of a list of stars as its file names it. */
export interface Field {
  name: string
  /** as a VOTable says it: `mas/yr`, `"h:m:s"` */
  unit?: string
}

/** A list of stars as it stands in its file. */
export interface Records {
  fields: Field[]
  rows: string[][]
}

const MOST_BYTES = 64 * 2 ** 20

/** The records of a file: a VOTable, the JSON of a TAP service, or text in columns (comma, tab, semicolon or bar). */
export function readRecords(path: string): Records {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
  const start = bytes
    .subarray(0, 2000)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()
  const records = start.startsWith('<')
    ? ofVotable(bytes, path)
    : start.startsWith('{')
      ? ofJson(bytes, path)
      : ofText(bytes, path)
  if (records.rows.length === 0) throw new DataError(`${path} has no stars`)
  return records
}

function ofVotable(bytes: Buffer, path: string): Records {
  let root: XmlElement
  try {
    root = parseXml(bytes, { bytes: MOST_BYTES, nodes: 20_000_000 })
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    throw new DataError(`${path}: ${error.message}`, undefined, { cause: error })
  }
  const table = childrenNamed(root, 'RESOURCE').flatMap((one) => childrenNamed(one, 'TABLE'))[0]
  if (!table) throw new DataError(`${path} is XML, but no VOTable with a TABLE`)
  const fields = childrenNamed(table, 'FIELD').map(({ attributes }) => ({
    name: attributes.name ?? attributes.ID ?? '',
    ...(attributes.unit ? { unit: attributes.unit } : {}),
  }))
  const data = childrenNamed(table, 'DATA').flatMap((one) => childrenNamed(one, 'TABLEDATA'))[0]
  if (!data) throw new DataError(`${path}: the VOTable is not TABLEDATA`, 'save it as TABLEDATA, or as CSV')
  const rows = childrenNamed(data, 'TR').map((row) => childrenNamed(row, 'TD').map(({ text }) => text.trim()))
  return { fields, rows }
}

/** `{ "metadata": [{ "name": … }], "data": [[…]] }`. */
function ofJson(bytes: Buffer, path: string): Records {
  let found: { metadata?: unknown; data?: unknown }
  try {
    found = JSON.parse(bytes.toString('utf8')) as typeof found
  } catch (error) {
    throw new DataError(`${path} is not JSON: ${(error as Error).message}`, undefined, { cause: error })
  }
  const { metadata, data } = found
  if (!Array.isArray(metadata) || !Array.isArray(data) || !data.every(Array.isArray)) {
    throw new DataError(`${path} is JSON without metadata and data`, 'as a TAP service gives it')
  }
  const fields = (metadata as { name?: string; unit?: string }[]).map(({ name = '', unit }) => ({
    name,
    ...(unit ? { unit } : {}),
  }))
  return { fields, rows: data.map((row: unknown[]) => row.map((cell) => (cell === null ? '' : String(cell)))) }
}

const BY_TAB = /[^\n]*\t/
function ofText(bytes: Buffer, path: string): Records {
  const lines = bytes.toString('utf8').split(/\r\n|\n|\r/)
  // Rules of dashes and lines of remarks are of the printed page.
  const text = lines.filter((line) => !/^\s*#/.test(line) && !/^[\s|+-]*$/.test(line)).join('\n')
  const first = text.slice(0, text.indexOf('\n') >= 0 ? text.indexOf('\n') : undefined)
  const bar = !first.includes(',') && !BY_TAB.test(first)
  const sign = BY_TAB.test(first) ? '\t' : bar && first.includes('|') ? '|' : bar && first.includes(';') ? ';' : ','
  const records =
    sign === ','
      ? parseCsv(text, path, { trim: true }).map(({ cells }) => cells)
      : text.split('\n').map((line) => line.split(sign).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1')))
  const [header = [], ...rows] = records
  return { fields: header.map((name) => ({ name: name.trim() })), rows }
}
