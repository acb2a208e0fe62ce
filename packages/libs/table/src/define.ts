/** text: as written · integer: whole, within ±2^53 · number: float64, round trip exact · flag: true or false */
export type ColumnType = 'text' | 'integer' | 'number' | 'flag'

/** A value in a row; a missing one is undefined, and empty in the file. */
export type Cell = string | number | boolean | undefined

export interface ColumnSpec {
  /** with its unit, as in the file: `exposure_s`, `fwhm_px`, `ra_deg` */
  name: string
  type: ColumnType
  doc: string
  unit?: string
  required?: boolean
  /** what older tables write for a missing value: `NULL`, `-99.9` */
  missing?: readonly string[]
}

export interface TableSpec {
  /** of the file: `calibrations.csv` */
  name: string
  doc?: string
  columns: readonly ColumnSpec[]
  /** columns that tell rows apart; empty for a table that only grows */
  key: readonly string[]
  /** columns that the rows are sorted by; the key when absent; none for rows that stay as they came */
  sort?: readonly string[]
  /** 'positional': the order of the columns counts and a header, if any, is not looked at (tables of the NRES pipeline) */
  layout?: 'named' | 'positional'
  /** text is written in quotes, as other programs that read the table expect: a flag of `0000` stays four characters there */
  quoted?: boolean
}

type ValueOf<T extends ColumnType> = T extends 'text' ? string : T extends 'flag' ? boolean : number
type Required<T extends TableSpec> = Extract<T['columns'][number], { required: true }>
type Optional<T extends TableSpec> = Exclude<T['columns'][number], { required: true }>

/** A row of a table: the required columns, and those that may be missing. Its type follows from the declaration. */
export type RowOf<T extends TableSpec> = { [C in Required<T> as C['name']]: ValueOf<C['type']> } & {
  [C in Optional<T> as C['name']]?: ValueOf<C['type']> | undefined
}

/** Declares a table once: reading, writing, checking and its page in the manual follow from it. */
export function defineTable<const T extends TableSpec>(spec: T): T {
  const names = spec.columns.map((column) => column.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new RangeError(`${spec.name} declares column ${twice} twice`)
  const unknown = [...spec.key, ...(spec.sort ?? [])].find((name) => !names.includes(name))
  if (unknown !== undefined) throw new RangeError(`${spec.name} has no column ${unknown} for its key or order`)
  return spec
}
