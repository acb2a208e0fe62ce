import { type Column, cardLookup, type FitsFile, type Hdu, readTable, type Table } from '@nightpipe/fits'
import { type LooseColumn, type LooseTable, numberColumn, textColumn } from './loose-table.js'

/** The first table of a FITS file that has columns of one value a row. */
export function fitsTable(file: FitsFile): LooseTable | undefined {
  const hdu = file.hdus.find(({ kind }) => kind === 'table' || kind === 'ascii')
  if (!hdu) return undefined
  const table = readTable(hdu)
  return { rows: table.rows, columns: fitsColumns(table), facts: factsOf(hdu) }
}

/** The columns of a FITS table that have one value in a row. */
export const fitsColumns = ({ rows, columns }: Table): LooseColumn[] => columns.flatMap((one) => looseColumn(one, rows))

function looseColumn(column: Column, rows: number): LooseColumn[] {
  const { name, unit, values, nulls } = column
  if (column.repeat !== 1 && typeof values[0] !== 'string') return []
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    // Numbers of stars may be larger than a float keeps: as text they stay whole.
    return [textColumn(name, Array.from(values, String), unit)]
  }
  if (Array.isArray(values)) {
    if (typeof values[0] !== 'string' && rows > 0) return []
    return [textColumn(name, values as string[], unit)]
  }
  const numbers = nulls ? Float64Array.from(values, (value, k) => (nulls[k] ? Number.NaN : value)) : values
  return [numberColumn(name, numbers, unit)]
}

function factsOf(hdu: Hdu): Map<string, string> {
  const card = cardLookup(hdu)
  const facts = new Map<string, string>()
  for (const name of ['EPOCH', 'EQUINOX', 'RADESYS']) {
    const value = card(name)
    if (value !== undefined) facts.set(name, String(value))
  }
  return facts
}
