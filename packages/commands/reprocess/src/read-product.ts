import { openFits, readTable, type Table } from '@nightpipe/fits'
import { cardOf } from '@nightpipe/products'

export type Cell = string | number | boolean | undefined

/** A product as it is compared: what is not known is undefined, whatever the file has in its place. */
export interface ProductTable {
  card: string
  /** of the first header */
  keywords: ReadonlyMap<string, Cell>
  /** by the name of the column; empty where it has none */
  units: ReadonlyMap<string, string>
  rows: Record<string, Cell>[]
}

export function readProduct(path: string): ProductTable {
  const file = openFits(path)
  try {
    const header = file.hdus[0]!.header
    const cards = header.cards.filter(({ keyword }) => !/^(|COMMENT|HISTORY|CONTINUE)$/.test(keyword))
    const hdu = file.hdus.find(({ kind, name }) => kind === 'table' && name !== 'PROVENANCE')
    const table = hdu ? readTable(hdu) : { rows: 0, columns: [] }
    return {
      card: cardOf(file) ?? '',
      keywords: new Map(cards.map(({ keyword, value }) => [keyword, cellOf(value)])),
      units: new Map(table.columns.map(({ name, unit }) => [name.trim(), unit.trim()])),
      rows: rowsOf(table),
    }
  } finally {
    file.close()
  }
}

function rowsOf({ rows, columns }: Table): Record<string, Cell>[] {
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(
      columns.map(({ name, values, nulls }) => [
        name.trim(),
        nulls?.[row] === 1 ? undefined : cellOf((values as ArrayLike<unknown>)[row], values instanceof Float32Array),
      ]),
    ),
  )
}

function cellOf(value: unknown, single = false): Cell {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') return Number.isFinite(value) ? (single ? shortest(value) : value) : undefined
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim()
  return typeof value === 'boolean' ? value : undefined
}

/** A number of four bytes with the digits that it has: 13.00698, not 13.006979942321777. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return Number(value.toPrecision(9))
}
