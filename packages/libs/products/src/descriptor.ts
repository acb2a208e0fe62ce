/** What a descriptor knows: the types of values, and the limits of names. */
export const DATA_TYPES = ['string', 'integer', 'float', 'double', 'boolean'] as const
export type DataType = (typeof DATA_TYPES)[number]

export type Value = string | number | boolean

/** One keyword of a header, or one column of a table. */
export interface Entry {
  name: string
  description: string
  /** the HDU that it belongs to */
  extension: string
  /** of a table, from 1; undefined for a keyword of a header */
  column?: number
  dataType: DataType
  /** TFORM of a column */
  format?: string
  unit: string
  /** undefined: none, so that the value must be given */
  default?: Value
  /** what it may be: values, or `low..high`; empty for anything */
  range: string[]
  sdbSearch: boolean
  baSearch: boolean
  /** the shared set that it came from */
  imported?: string
}

export interface Extension {
  name: string
  type: 'image' | 'bintable'
}

/** What a product is, once: its template, its content and its check follow from here. */
export interface Descriptor {
  card: string
  contact: string
  description: string
  dpLevel: string
  dstream: string
  instrument: string
  name: string
  prdmVer: string
  programs: string[]
  /** the keywords that tell products of a program apart */
  unicityRule: Record<string, string[]>
  /** in the order of the file; the primary HDU first */
  extensions: Extension[]
  entries: Entry[]
}

/** A fault of a descriptor, where it stands. */
export interface Fault {
  file: string
  /** from 1 */
  line: number
  message: string
}

export const PRIMARY = 'PrimaryHDU'

/** Keywords of headers are as FITS wants them; columns may be longer (TTYPE is a value). */
export const isHeaderName = (name: string) => /^[A-Z0-9_-]{1,8}$/.test(name)
export const isColumnName = (name: string) => /^[A-Za-z0-9_-]{1,68}$/.test(name)

export const keywordsOf = (descriptor: Descriptor, extension: string) =>
  descriptor.entries.filter((entry) => entry.extension === extension && entry.column === undefined)

export const columnsOf = (descriptor: Descriptor, extension: string) =>
  descriptor.entries
    .filter((entry) => entry.extension === extension && entry.column !== undefined)
    .sort((a, b) => a.column! - b.column!)
