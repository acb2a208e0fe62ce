import { relative, sep } from 'node:path'
import { DataError } from '@nightpipe/files'
import { editTable, readTable, upsertRows } from '@nightpipe/table'
import { fibreFlag } from './fibres.js'
import { isPlaceholder, type StandardRow, standardsTable } from './state-tables.js'
import { inTree, type Tree } from './tree.js'

export const STANDARD_TYPES = ['BIAS', 'DARK', 'FLAT', 'DOUBLE', 'TRIPLE', 'TRACE', 'BLAZE'] as const
export type StandardType = (typeof STANDARD_TYPES)[number]

const JD_OF_MJD = 2400000.5
const tableOf = (tree: Pick<Tree, 'folder'>) => inTree(tree, 'csv', standardsTable.name)

/** The calibration products of a tree. */
export function readStandards(tree: Pick<Tree, 'folder'>): StandardRow[] {
  const rows = readTable(tableOf(tree), standardsTable, { orEmpty: true })
  return rows.filter((row) => !isPlaceholder(row.Filename, row.Type, row.Site))
}

/** Where a product of the table is. Paths of BLAZE rows begin with `reduced/`. */
export const standardPath = (tree: Pick<Tree, 'folder'>, row: Pick<StandardRow, 'Filename'>) =>
  `${tree.folder}/${row.Filename.replace(/^reduced\//, '')}`

export interface NewStandard {
  type: StandardType
  /** absolute, inside the tree */
  path: string
  /** frames in it: 1 is a single, more a master */
  averaged: number
  camera: string
  /** start of its data (MJD) */
  mjd: number
  /** with light; none for bias and dark */
  fibres?: readonly number[]
  unusable?: boolean
}

/** The row of a product. */
export function standardRow(tree: Tree, product: NewStandard): StandardRow {
  const inside = relative(tree.folder, product.path).split(sep).join('/')
  if (inside.startsWith('..')) throw new RangeError(`${product.path} is not in the tree ${tree.folder}`)
  return {
    Type: product.type,
    Filename: product.type === 'BLAZE' ? `reduced/${inside}` : inside,
    Navg: product.averaged,
    Site: tree.site,
    Camera: product.camera,
    JDdata: Math.round((product.mjd + JD_OF_MJD) * 1e6) / 1e6,
    Flags: `${product.unusable ? 1 : 0}0${fibreFlag(product.fibres ?? [])}0`,
  }
}

/**
 * Enters products in standards.csv, under its lock; one that is there already gets its new row. A product that somebody
 * has marked unusable stays so.
 */
export async function addStandards(tree: Tree, products: readonly NewStandard[]): Promise<void> {
  if (products.length === 0) return
  const rows = products.map((product) => standardRow(tree, product))
  const before = new Map(readStandards(tree).map((row) => [row.Filename, row.Flags]))
  const kept = rows.map((row) => {
    const flags = before.get(row.Filename)
    return flags?.startsWith('1') ? { ...row, Flags: `1${row.Flags!.slice(1)}` } : row
  })
  await upsertRows(tableOf(tree), standardsTable, kept)
}

export const addStandard = (tree: Tree, product: NewStandard) => addStandards(tree, [product])

/** Marks products as unusable (or usable again); returns how many rows that changed. */
export async function markStandards(tree: Tree, filenames: readonly string[], usable: boolean): Promise<number> {
  const wanted = new Set(filenames.map((name) => name.replace(/^reduced\//, '')))
  let changed = 0
  await editTable(tableOf(tree), standardsTable, (rows) =>
    rows.map((row) => {
      if (!wanted.has(row.Filename.replace(/^reduced\//, ''))) return row
      const Flags = `${usable ? 0 : 1}${(row.Flags ?? '').padEnd(4, '0').slice(1)}`
      if (Flags !== row.Flags) changed++
      return { ...row, Flags }
    }),
  )
  return changed
}

/** Takes rows out of the table, for products that are no more. */
export async function dropStandards(tree: Tree, filenames: readonly string[]): Promise<void> {
  const gone = new Set(filenames)
  await editTable(tableOf(tree), standardsTable, (rows) => rows.filter((row) => !gone.has(row.Filename)))
}

/** A type as people write it: `arc` is DOUBLE. */
export function standardType(text: string): StandardType {
  const name = text.trim().toUpperCase()
  const alias = { ARC: 'DOUBLE', LAMPFLAT: 'FLAT', BLAZ: 'BLAZE', TRAC: 'TRACE', TRIP: 'TRIPLE', DBLE: 'DOUBLE' }[name]
  const type = STANDARD_TYPES.find((one) => one === (alias ?? name))
  if (!type) throw new DataError(`'${text}' is no type of calibration`, `known: ${STANDARD_TYPES.join(', ')}`)
  return type
}
