import { type CardValue, createHeader, type Header, type NewColumn, type NewHdu, setCard } from '@nightpipe/fits'
import { columnsOf, type Descriptor, type Entry, keywordsOf, PRIMARY, type Value } from './descriptor.js'
import { isUnset } from './values.js'

/** What is not known is absent: it is written as no value, never as 0. */
export type Cells = Readonly<Record<string, Value | undefined>>

/** What goes into a product, beyond the defaults of its descriptor. */
export interface Content {
  /** keywords, for every HDU that declares them */
  cards: Cells
  /** rows of the tables, by extension */
  rows: Readonly<Record<string, readonly Cells[]>>
}

/** Stands for no value in integer columns (TNULL). */
export const NO_INTEGER = -999

/** The HDUs of a product: the empty one where no content is given. Keywords and columns come in the order of the descriptor. */
export function productHdus(descriptor: Descriptor, content: Content = { cards: {}, rows: {} }): NewHdu[] {
  return descriptor.extensions.map(({ name, type }) => {
    const header = headerOf(descriptor, name, content.cards)
    if (name === PRIMARY || type === 'image') return { kind: 'empty', ...(name === PRIMARY ? {} : { name }), header }
    const rows = content.rows[name] ?? []
    const columns = columnsOf(descriptor, name).map((entry) => newColumn(entry, rows))
    return { kind: 'table', name, header, columns, rows: rows.length }
  })
}

function headerOf(descriptor: Descriptor, extension: string, cards: Cells): Header {
  const header = createHeader()
  for (const entry of keywordsOf(descriptor, extension)) {
    const { name, description, unit } = entry
    const value = cardValue(entry, cards[name] ?? entry.default)
    if (value !== undefined) setCard(header, name, value, unit ? `[${unit}] ${description}` : description)
  }
  return header
}

/** What is not known is an empty text, or no card at all: headers have no number and no date that means nothing. */
function cardValue({ name, dataType }: Entry, value: Value | undefined): CardValue {
  if (dataType !== 'string') return typeof value === 'number' && !Number.isFinite(value) ? undefined : value
  const text = String(value ?? '')
  return isDate(name) && isUnset(text) ? undefined : text
}

/** Keywords whose values FITS wants to be dates. */
const isDate = (name: string) => /^DATE(-|$)/.test(name)

/** Whether a file may lack a keyword: it has no default, and nothing could be written when it is not known. */
export const mayLack = ({ name, dataType, default: given }: Entry) =>
  dataType === 'string' ? isDate(name) : given === undefined

function newColumn({ name, description, unit, format = '1E', dataType }: Entry, rows: readonly Cells[]): NewColumn {
  const cells = rows.map((row) => row[name])
  const facts = { name, format, comment: description, ...(unit ? { unit } : {}) }
  const number = (cell: Value | undefined, none: number) =>
    typeof cell === 'number' && Number.isFinite(cell) ? cell : none
  switch (dataType) {
    case 'string':
      return { ...facts, values: cells.map((cell) => (cell === undefined ? '' : String(cell))) }
    case 'boolean':
      return { ...facts, values: cells.map((cell) => (typeof cell === 'boolean' ? cell : undefined)) as boolean[] }
    case 'integer': {
      const none = format.endsWith('B') ? 255 : NO_INTEGER
      return { ...facts, nullValue: none, values: Int32Array.from(cells, (cell) => number(cell, none)) }
    }
    case 'float':
      return { ...facts, values: Float32Array.from(cells, (cell) => number(cell, Number.NaN)) }
    case 'double':
      return { ...facts, values: Float64Array.from(cells, (cell) => number(cell, Number.NaN)) }
  }
}
