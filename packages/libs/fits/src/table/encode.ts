import type { Card } from '../header.js'
import type { NewTable } from '../new-hdu.js'
import { card, ownCards } from '../new-header.js'
import { type PlannedColumn, planColumn } from './plan-column.js'

/** The cards and the data, heap included, of a binary table. */
export function encodeTable(table: NewTable): { cards: Card[]; bytes: Uint8Array } {
  const { rows } = table
  if (!Number.isInteger(rows) || rows < 0) throw new RangeError(`a table of ${rows} rows`)
  if (table.columns.length > 999) throw new RangeError(`${table.columns.length} columns: a table has 999 at most`)
  const columns = table.columns.map((one) => planColumn(one, rows))
  const rowBytes = columns.reduce((sum, one) => sum + one.width, 0)
  const heapBytes = columns.reduce((sum, one) => sum + one.heapBytes, 0)
  const main = rows * rowBytes
  const bytes = Buffer.alloc(main + heapBytes)
  let offset = 0
  let heap = 0
  for (const one of columns) {
    one.write(bytes, offset, rowBytes, { start: main, used: heap })
    offset += one.width
    heap += one.heapBytes
  }
  return { cards: tableCards(table, columns, rowBytes, heapBytes), bytes }
}

function tableCards(table: NewTable, columns: readonly PlannedColumn[], rowBytes: number, heapBytes: number): Card[] {
  return [
    card('XTENSION', 'BINTABLE', 'binary table'),
    card('BITPIX', 8, 'bytes'),
    card('NAXIS', 2, 'a table has two axes'),
    card('NAXIS1', rowBytes, 'bytes in a row'),
    card('NAXIS2', table.rows, 'rows'),
    card('PCOUNT', heapBytes, 'bytes of variable-length arrays'),
    card('GCOUNT', 1, 'one group'),
    card('TFIELDS', columns.length, 'columns'),
    ...columns.flatMap((one, k) => one.cards(k + 1)),
    ...ownCards(table),
  ]
}
