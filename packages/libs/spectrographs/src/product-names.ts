import { basename, dirname } from 'node:path'
import { formatMjd, mjdOfDay } from '@nightpipe/sky'
import type { TreeFolder } from './tree.js'

/** Kinds of product: the four letters that their names begin with, and their folder. */
export const PRODUCT_KINDS = {
  BIAS: 'bias',
  DARK: 'dark',
  FLAT: 'flat',
  DBLE: 'dble',
  TRIP: 'trip',
  TRAC: 'trace',
  EXTR: 'extr',
  SPEC: 'spec',
  BLAZ: 'blaz',
  THAR: 'thar',
  RADV: 'rv',
  EXPM: 'expm',
  ZERO: 'zero',
  PLOT: 'plot',
  PLQC: 'plot',
} as const satisfies Record<string, TreeFolder>
export type ProductKind = keyof typeof PRODUCT_KINDS

/** A master bears the date of one of its inputs and this much more, so that it does not take the place of that input. */
export const MASTER_OFFSET_DAYS = 1e-4

/**
 * One exposure in 200 that begin at a whole second lies half way between two names (0.432 s), where the last bit of its date decides: a
 * date to which an offset was added would be rounded the other way. This much (of 0.864 s) is added, so that all such go up.
 */
const TIE = 1e-3

/** `2018044.12345`: year, day of the year from 001, fraction of the day (UTC), as in the names of products. */
export function formatProductDate(mjd: number): string {
  const ticks = Math.round(mjd * 1e5 + TIE)
  const day = Math.floor(ticks / 1e5)
  const year = Number(formatMjd(day, 0).slice(0, 4))
  const dayOfYear = day - mjdOfDay(year, 1, 1)! + 1
  const part = String(ticks - day * 1e5).padStart(5, '0')
  return `${String(year).padStart(4, '0')}${String(dayOfYear).padStart(3, '0')}.${part}`
}

/**
 * The MJD of `2018044.12345`, also in the form `0018044.12345` of traces that were made by hand; undefined when it is no
 * such date.
 */
export function parseProductDate(text: string): number | undefined {
  const [, years, days, part] = /^(\d{4})(\d{3})\.(\d{1,9})$/.exec(text) ?? []
  if (!years) return undefined
  const year = Number(years) < 1990 ? Number(years) + 2000 : Number(years)
  if (year >= 2400) return undefined // a Julian date
  const day = Number(days)
  const start = mjdOfDay(year, 1, 1)!
  const length = mjdOfDay(year + 1, 1, 1)! - start
  return day >= 1 && day <= length ? start + day - 1 + Number(`0.${part}`) : undefined
}

/** `BIASlsc2018044.12345.fits`; with a fibre (plots) `PLOTlsc2018044.12345_0.fits`. */
export const productName = (kind: ProductKind, site: string, mjd: number, { suffix = '', extension = '.fits' } = {}) =>
  `${kind}${site}${formatProductDate(mjd)}${suffix}${extension}`

/** The same with its folder below `reduced`: `bias/BIASlsc2018044.12345.fits`. */
export const productPathInTree = (kind: ProductKind, site: string, mjd: number) =>
  `${PRODUCT_KINDS[kind]}/${productName(kind, site, mjd)}`

/** The name of a first estimate of the traces: the century is 00, `TRAClsc0018099.90110.fits`. */
export const firstTraceName = (site: string, mjd: number) => `TRAC${site}00${formatProductDate(mjd).slice(2)}.fits`

export interface ProductName {
  kind: string
  site: string
  mjd: number
  /** of a first estimate of the traces */
  first: boolean
}

/** What the name of a product says; undefined when it is not built like one. */
export function parseProductName(path: string): ProductName | undefined {
  const [, kind, site, date] = /^([A-Z]{4})([a-z0-9-]*?)(\d{7}\.\d{1,9})(?:_\w+)?\.\D/i.exec(basename(path)) ?? []
  const mjd = date === undefined ? undefined : parseProductDate(date)
  return mjd === undefined ? undefined : { kind: kind!.toUpperCase(), site: site!, mjd, first: date!.startsWith('00') }
}

const RAW_ENDING = /\.(fits?|fts)(\.(fz|gz))?$|\.fz$/i

/** The name of a raw frame without what says how it is stored: `cptnrs03-fa13-20181128-0005-e00`. */
export const rawName = (path: string) => basename(path).replace(RAW_ENDING, '')

/** `2018044.12345` for each end of a window of dates, joined by a comma, as the old stacking call has it. */
export const dateRange = (startMjd: number, endMjd: number) =>
  `${formatProductDate(startMjd)},${formatProductDate(endMjd)}`

/** The folder of the day that a raw frame belongs to: `…/20181128/raw/x.fits` is of 20181128. */
export function dayOfRaw(path: string): string | undefined {
  const folder = dirname(path)
  const day = basename(folder) === 'raw' ? basename(dirname(folder)) : basename(folder)
  return /^\d{8}$/.test(day) ? day : /-(\d{8})-/.exec(basename(path))?.[1]
}
