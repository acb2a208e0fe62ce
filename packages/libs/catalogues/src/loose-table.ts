/** A table of any origin: its columns as they are called, and their values as numbers or text. */
export interface LooseTable {
  rows: number
  columns: LooseColumn[]
  /** What the file says about itself: EPOCH, EQUINOX, BANDS. */
  facts: ReadonlyMap<string, string>
}

export interface LooseColumn {
  name: string
  unit: string
  /** Unified content descriptor of a VOTable: what the column is. */
  ucd: string
  /** NaN where there is none. Text that is no number is NaN too. */
  numbers(): Float64Array
  texts(): string[]
}

/** A column of text. */
export function textColumn(name: string, texts: readonly string[], unit = '', ucd = ''): LooseColumn {
  return {
    ...{ name, unit, ucd },
    numbers: () => Float64Array.from(texts, (text) => (text.trim() === '' ? Number.NaN : Number(text))),
    texts: () => texts.map((text) => text.trim()),
  }
}

/** A column of numbers. */
export function numberColumn(name: string, values: ArrayLike<number>, unit = '', ucd = ''): LooseColumn {
  return {
    ...{ name, unit, ucd },
    numbers: () => Float64Array.from(values),
    texts: () => Array.from(values, (value) => (Number.isNaN(value) ? '' : String(value))),
  }
}
