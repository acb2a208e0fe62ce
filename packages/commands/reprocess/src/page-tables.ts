import type { Difference } from './differences.js'
import { type Cell, table } from './page-parts.js'

/** The products that tell magnitudes in time, the fullest first. */
const CURVES = ['LC', 'QLC', 'QF', 'DT']

/** The light of each candidate in each image: a row for each, old beside new. */
export function lightTable(differences: readonly Difference[]): string {
  const product = CURVES.find((kind) => differences.some((one) => one.product === kind && one.source !== ''))
  const rows = product === undefined ? [] : rowsOf(differences.filter((one) => one.product === product))
  if (rows.length === 0) return '<p>The products hold no candidate.</p>'
  const head = [
    'source',
    'filter',
    'image',
    'T−T0 [s]',
    'old mag',
    'new mag',
    'difference',
    'in errors',
    'old limit',
    'new limit',
  ]
  return table(
    [...head],
    rows.map((row) => {
      const value = (name: string) => row.get(name)
      const { source, filter, at } = [...row.values()][0]!
      const since = value('DELTAT') ?? value('TSTART')
      const mag = value('MAG')
      const error = value('MAGERR')
      return [
        ...[source, filter, at, number(since?.new ?? since?.old)],
        ...[withError(mag?.old, error?.old), withError(mag?.new, error?.new), number(mag?.difference)],
        ...[number(mag?.errors), number(value('UPLIM')?.old), number(value('UPLIM')?.new)],
      ]
    }),
  )
}

const number = (value: Difference['old']): Cell => (typeof value === 'number' ? value : undefined)
const withError = (value: Difference['old'], error: Difference['old']): Cell =>
  typeof value !== 'number'
    ? undefined
    : `${value.toFixed(4)}${typeof error === 'number' ? ` ± ${error.toFixed(4)}` : ''}`

/** The values of each row of a product, by the names of its columns. */
function rowsOf(differences: readonly Difference[]): Map<string, Difference>[] {
  const rows = new Map<string, Map<string, Difference>>()
  for (const one of differences) {
    if (one.at === 'header' || one.source === '') continue
    const key = `${one.source}\t${one.filter}\t${one.at}`
    const row = rows.get(key) ?? new Map<string, Difference>()
    rows.set(key, row.set(one.quantity, one))
  }
  return [...rows.values()]
}

/** Positions and power laws, whether they changed or not. */
export function shapeTable(differences: readonly Difference[]): string {
  const wanted = ({ product, quantity }: Difference) =>
    (product === 'PO' && quantity === 'SEPARATION') ||
    (product === 'QTI' && /^(FITNORM|FITINDEX|ERFITINDEX|FITCHI2)$/.test(quantity))
  const rows = differences.filter(wanted)
  return rows.length === 0 ? '' : valueTable(rows)
}

/** The values of a product that differ, folded. */
export function productTable(product: string, differences: readonly Difference[]): string {
  const mine = differences.filter((one) => one.product === product)
  const rows = mine.filter(({ state }) => state !== 'same')
  if (rows.length === 0) return `<p>${product}: all ${mine.length} values are the same.</p>`
  const title = `${product}: ${rows.length} of ${mine.length} values differ`
  return `<details><summary>${title}</summary>${valueTable(rows)}</details>`
}

function valueTable(rows: readonly Difference[]): string {
  const head = ['product', 'source', 'filter', 'at', 'quantity', 'old', 'new', 'difference', 'in errors', 'state']
  const plain = (value: Difference['old']): Cell => (typeof value === 'boolean' ? String(value) : value)
  return table(
    head,
    rows.map((one) => [
      ...[one.product, one.source, one.filter, one.at, one.unit ? `${one.quantity} [${one.unit}]` : one.quantity],
      ...[plain(one.old), plain(one.new), one.difference, one.errors, one.state],
    ]),
  )
}
