import { type Hdu, readTable } from '@nightpipe/fits'
import { close, type Difference, show, type Tolerances } from './difference.js'

/** Column by column, by name; rows in their order. One line for each column that differs. */
export function compareTables(hdu: string, a: Hdu, b: Hdu, tolerances: Tolerances): Difference[] {
  const [left, right] = [readTable(a), readTable(b)]
  const out: Difference[] = []
  if (left.rows !== right.rows) {
    out.push({ hdu, kind: 'table', where: 'rows', a: String(left.rows), b: String(right.rows), note: '' })
  }
  const names = [...new Set([...left.columns, ...right.columns].map(({ name }) => name))]
  for (const name of names) {
    const [p, q] = [left, right].map((table) => table.columns.find((column) => column.name === name))
    if (!p || !q) {
      out.push({
        hdu,
        kind: 'table',
        where: name,
        a: p ? p.format : '-',
        b: q ? q.format : '-',
        note: p ? 'only in A' : 'only in B',
      })
      continue
    }
    if ((p.unit ?? '') !== (q.unit ?? '')) {
      out.push({ hdu, kind: 'table', where: name, a: p.unit ?? '', b: q.unit ?? '', note: 'unit' })
    }
    out.push(...compareColumn(hdu, name, flat(p.values), flat(q.values), tolerances))
  }
  return out
}

/** Arrays within arrays in one row after the other, with marks between the rows so that their lengths count too. */
function flat(values: unknown): unknown[] {
  const list = Array.from(values as ArrayLike<unknown>)
  if (!list.some((item) => typeof item === 'object' && item !== null)) return list
  return list.flatMap((item, row) => [
    `row ${row + 1}`,
    ...(item === null ? [null] : Array.from(item as ArrayLike<unknown>)),
  ])
}

function compareColumn(hdu: string, name: string, a: unknown[], b: unknown[], tolerances: Tolerances): Difference[] {
  let count = 0
  let first = -1
  let largest = 0
  for (let k = 0; k < Math.min(a.length, b.length); k++) {
    const [p, q] = [a[k], b[k]]
    const numbers = typeof p === 'number' && typeof q === 'number'
    if (numbers ? close(p, q, tolerances) : Object.is(p, q) || String(p) === String(q)) continue
    if (count++ === 0) first = k
    if (numbers) largest = Math.max(largest, Math.abs(p - q))
  }
  if (count === 0) return []
  const note = `${count} values differ${largest > 0 ? `, by ${show(largest)} at most` : ''}`
  return [{ hdu, kind: 'table', where: `${name}[${first + 1}]`, a: show(a[first]), b: show(b[first]), note }]
}
