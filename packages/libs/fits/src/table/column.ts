/** The numbers of a column; complex ones as pairs, bits as 0 and 1. */
export type NumberArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array

/** One row of a variable-length column. */
export type VariableCell = NumberArray | string | (boolean | undefined)[]

export interface Column {
  name: string
  unit: string
  /** TFORM as the file has it. */
  format: string
  /** Values per row: of strings how many strings, of complex numbers how many pairs. 1 for variable-length columns. */
  repeat: number
  /**
   * Row after row, `repeat` in each. Scaled by TSCAL and TZERO (the unsigned conventions give unsigned arrays, other
   * scalings float64); undefined logicals are `undefined`; a variable-length column has an array, or a string, per row.
   */
  values: NumberArray | string[] | (boolean | undefined)[] | VariableCell[]
  /** 1 where the value is the TNULL of the column (integers) or blank (ASCII tables). Absent when none is. */
  nulls?: Uint8Array
  /** TDIM, where it fits. */
  dim?: number[]
  nullValue?: number | bigint
  scale?: number
  zero?: number
}

export interface Table {
  rows: number
  columns: Column[]
}

/** The column of this name, in any case. */
export function column(table: Table, name: string): Column | undefined {
  const wanted = name.trim().toUpperCase()
  return table.columns.find((one) => one.name.toUpperCase() === wanted)
}
