/** One thing that differs between two files. */
export interface Difference {
  /** Which HDU, as `0`, or `1 ERR`. */
  hdu: string
  kind: 'structure' | 'header' | 'pixels' | 'table'
  /** The keyword, the column, or what of the structure. */
  where: string
  a: string
  b: string
  /** How far apart: for pixels and tables how many values differ and the largest distance. */
  note: string
}

export interface Tolerances {
  /** Numbers are the same when |a - b| <= absolute + relative * max(|a|, |b|). */
  absolute: number
  relative: number
  /** Keywords that are not compared; `*` stands for any letters. */
  ignore: readonly string[]
}

export const close = (a: number, b: number, { absolute, relative }: Tolerances) =>
  a === b ||
  (Number.isNaN(a) && Number.isNaN(b)) ||
  Math.abs(a - b) <= absolute + relative * Math.max(Math.abs(a), Math.abs(b))

/** A value as a person reads it in a table of differences. */
export const show = (value: unknown) =>
  value === undefined ? '-' : typeof value === 'number' ? String(Number(value.toPrecision(10))) : String(value)
