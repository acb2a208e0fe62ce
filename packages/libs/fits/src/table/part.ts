import { FitsError } from '../errors.js'
import type { Hdu } from '../hdu.js'

/** Which part of a table; all of it when absent. */
export interface TablePart {
  columns?: readonly string[]
  firstRow?: number
  rows?: number
}

/** What one call may take in memory; larger tables are read by rows or by columns. */
export const MOST_BYTES = 400 * 2 ** 20
export function rowRange(total: number, part: TablePart): { first: number; rows: number } {
  const first = part.firstRow ?? 0
  const rows = part.rows ?? total - first
  if (Number.isInteger(first) && Number.isInteger(rows) && first >= 0 && rows >= 0 && first + rows <= total) {
    return { first, rows }
  }
  throw new RangeError(`rows ${first} to ${first + rows} of a table of ${total}`)
}

export function pickColumns<T extends { name: string }>(hdu: Hdu, all: T[], names: readonly string[] | undefined): T[] {
  return (
    names?.map((name) => {
      const found = all.find((one) => one.name.toUpperCase() === name.trim().toUpperCase())
      if (found) return found
      const known = all.map((one) => one.name).join(', ')
      throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, `has no column ${name}`, `it has ${known}`)
    }) ?? all
  )
}

export function checkMemory(hdu: Hdu, rows: number, bytesPerRow: readonly number[]): void {
  const bytes = rows * bytesPerRow.reduce((sum, one) => sum + one, 0)
  if (bytes <= MOST_BYTES) return
  const problem = `${rows} rows would take ${Math.round(bytes / 2 ** 20)} MB of memory`
  throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, problem, 'read it by rows or by columns')
}
