import { defineTable } from '@nightpipe/table'
import type { Cell } from './read-product.js'

/** One value of a product in the old and in the new processing. */
export interface Difference {
  /** DT, PO, LC … */
  product: string
  /** candidate, by its old name where it had one; empty in the header */
  source: string
  filter: string
  /** image or time of the row, or `header` */
  at: string
  quantity: string
  unit: string
  old?: Cell
  new?: Cell
  /** new minus old */
  difference?: number
  /** the difference in errors of the old value; both are of the same light, so one is much */
  errors?: number
  state: 'same' | 'changed' | 'appeared' | 'gone'
}

const text = <const N extends string>(name: N, doc: string) => ({ name, type: 'text', doc }) as const

/** What an instrument scientist reads, sorts and plots. */
export const differencesTable = defineTable({
  name: 'differences.csv',
  doc: 'what each product says in the old and in the new processing, value by value',
  columns: [
    { ...text('product', 'kind of product'), required: true },
    text('source', 'candidate, by its old name where it had one'),
    text('filter', 'filter'),
    text('at', 'image or time of the row; header for keywords'),
    { ...text('quantity', 'column or keyword; SEPARATION: between the positions'), required: true },
    text('unit', 'unit'),
    text('old', 'value in the store'),
    text('new', 'value of the new processing'),
    { name: 'difference', type: 'number', doc: 'new minus old' },
    { name: 'errors', type: 'number', doc: 'the difference in errors of the old value' },
    { ...text('state', 'same, changed, appeared or gone'), required: true },
  ],
  key: [],
})

/** As the table holds it. */
export const tableRow = ({ old, new: fresh, ...rest }: Difference) => ({
  ...rest,
  old: old === undefined ? undefined : String(old),
  new: fresh === undefined ? undefined : String(fresh),
})

/** How many values are in each state. */
export function countStates(all: readonly Difference[]): Record<Difference['state'], number> {
  const counts = { same: 0, changed: 0, appeared: 0, gone: 0 }
  for (const { state } of all) counts[state]++
  return counts
}
