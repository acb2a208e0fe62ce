import { angularSeparation } from '@nightpipe/sky'
import type { Difference } from './differences.js'
import type { Cell, ProductTable } from './read-product.js'

type Row = ProductTable['rows'][number]

/** Columns that tell of what a row is; the names of candidates are compared by their places. */
const IDENTITY = new Set(['INSTRUME', 'GFT_TGID', 'GFT_OBID', 'OBJECTID', 'FILTER'])
/** Keywords of the form of the file, the number of the processing and the name of the chart, which differ always. */
const FORM =
  /^(SIMPLE|BITPIX|NAXIS\d*|EXTEND|CHECKSUM|DATASUM|NP_\w+|PROC_VER|MY_VERS|CARD|INSTRUME|GFT_TGID|GFT_OBID|BURST_ID|FCHART)$/
/** The column with the error of another. */
const ERRORS: Readonly<Record<string, string>> = {
  MAG: 'MAGERR',
  FITINDEX: 'ERFITINDEX',
  RA: 'ER_PO',
  DEC: 'ER_PO',
  SEPARATION: 'ER_PO',
}
/** Of light curves: two exposures that begin within half a second are one. */
const SAME_TIME = 0.5 / 86400

/** Everything that two processings of one product tell of the sky, value by value. `names`: new candidates by their old names. */
export function compareProducts(
  product: string,
  old: ProductTable | undefined,
  fresh: ProductTable | undefined,
  names: ReadonlyMap<string, string>,
): Difference[] {
  const renamed = fresh?.rows.map((row) => ({ ...row, CANDID: nameOf(row, names), said: row.CANDID })) ?? []
  const pairs = pairRows(old?.rows ?? [], renamed, product !== 'DT')
  const units = new Map([...(fresh?.units ?? []), ...(old?.units ?? [])])
  const header = compareCells(
    { product, source: '', filter: '', at: 'header' },
    keywordsOf(old),
    keywordsOf(fresh),
    new Map(),
  )
  return [...header, ...pairs.flatMap(([a, b]) => compareRows(product, a, b, units))]
}

const nameOf = ({ CANDID: name }: Row, names: ReadonlyMap<string, string>) =>
  typeof name === 'string' ? (names.get(name) ?? name) : undefined

const keywordsOf = (product: ProductTable | undefined): Row | undefined =>
  product && Object.fromEntries([...product.keywords].filter(([name]) => !FORM.test(name)))

/**
 * Rows of the same candidate and filter: those of the same time, or of the same place in the order. The first detection in
 * a filter (DT) is one row, whichever candidate it is of.
 */
function pairRows(
  old: readonly Row[],
  fresh: readonly Row[],
  byCandidate: boolean,
): [Row | undefined, Row | undefined][] {
  const keyOf = (row: Row) => `${byCandidate ? (row.CANDID ?? '') : ''}\t${row.FILTER ?? ''}`
  const left = [...fresh]
  const pairs = old.map((row): [Row | undefined, Row | undefined] => {
    const at = left.findIndex((one) => keyOf(one) === keyOf(row) && sameTime(one, row))
    return [row, at < 0 ? undefined : left.splice(at, 1)[0]]
  })
  return [...pairs, ...left.map((row): [undefined, Row] => [undefined, row])]
}

function sameTime({ STARTMJD: a }: Row, { STARTMJD: b }: Row): boolean {
  return typeof a !== 'number' || typeof b !== 'number' || Math.abs(a - b) <= SAME_TIME
}

function compareRows(
  product: string,
  old: Row | undefined,
  fresh: (Row & { said?: Cell }) | undefined,
  units: ReadonlyMap<string, string>,
): Difference[] {
  const some = (old ?? fresh)!
  const of = {
    ...{ product, source: String(some.CANDID ?? ''), filter: String(some.FILTER ?? '') },
    at: String(some.IMAGEID ?? some.STARTMJD ?? ''),
  }
  const { said, ...rest } = fresh ?? {}
  const shown = fresh && { ...rest, CANDID: said }
  const found = compareCells(of, old, shown, units)
  const separation = old && fresh && separationOf(old, fresh)
  if (separation === undefined) return found
  const state = separation === 0 ? ('same' as const) : ('changed' as const)
  const error = errorOf('SEPARATION', old!)
  const shift = { ...of, quantity: 'SEPARATION', unit: 'arcsec', difference: separation, state }
  return [...found, { ...shift, ...(error ? { errors: separation / error } : {}) }]
}

function separationOf(a: Row, b: Row): number | undefined {
  const [ra, dec, ra2, dec2] = [a.RA, a.DEC, b.RA, b.DEC]
  if (typeof ra !== 'number' || typeof dec !== 'number' || typeof ra2 !== 'number' || typeof dec2 !== 'number')
    return undefined
  return 3600 * angularSeparation([ra, dec], [ra2, dec2])
}

function compareCells(
  of: Pick<Difference, 'product' | 'source' | 'filter' | 'at'>,
  old: Row | undefined,
  fresh: Row | undefined,
  units: ReadonlyMap<string, string>,
): Difference[] {
  const names = [...new Set([...Object.keys(old ?? {}), ...Object.keys(fresh ?? {})])]
  return names.flatMap((quantity): Difference[] => {
    const [a, b] = [old?.[quantity], fresh?.[quantity]]
    if (IDENTITY.has(quantity) || (a === undefined && b === undefined)) return []
    const state = a === b ? 'same' : a === undefined ? 'appeared' : b === undefined ? 'gone' : 'changed'
    const unit = units.get(quantity) ?? ''
    const difference = typeof a === 'number' && typeof b === 'number' ? b - a : undefined
    const error = old && difference !== undefined ? errorOf(quantity, old) : undefined
    const size = difference === undefined || !error ? {} : { errors: difference / error }
    return [{ ...of, quantity, unit, old: a, new: b, difference, ...size, state }]
  })
}

/** One sigma of the old value, in its own unit. */
function errorOf(quantity: string, row: Row): number | undefined {
  const error = row[ERRORS[quantity] ?? '']
  if (typeof error !== 'number' || error <= 0) return undefined
  if (quantity === 'RA') return error / 3600 / Math.max(1e-6, Math.cos((Number(row.DEC ?? 0) * Math.PI) / 180))
  return quantity === 'DEC' ? error / 3600 : error
}
