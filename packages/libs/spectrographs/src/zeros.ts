import { existsSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { DataError } from '@nightpipe/files'
import { editTable, readTable, upsertRows } from '@nightpipe/table'
import { isPlaceholder, type ZeroRow, zerosTable } from './state-tables.js'
import { inTree, type Tree } from './tree.js'

const tableOf = (tree: Pick<Tree, 'folder'>) => inTree(tree, 'csv', zerosTable.name)

/** The velocity templates of a tree. */
export function readZeros(tree: Pick<Tree, 'folder'>): ZeroRow[] {
  const rows = readTable(tableOf(tree), zerosTable, { orEmpty: true })
  return rows.filter((row) => !isPlaceholder(row.Filename, row.Site, row.Target))
}

/** Where a template is. */
export const zeroPath = (tree: Pick<Tree, 'folder'>, row: Pick<ZeroRow, 'Filename'>) =>
  `${tree.folder}/${row.Filename.replace(/^reduced\//, '')}`

/** The name of a star as tables of templates have it: upper case, no blanks, nothing from the first underscore on. */
export const targetKey = (name: string) => name.replace(/_.*$/s, '').replace(/\s+/g, '').toUpperCase()

export interface NewZero {
  /** absolute, inside the tree */
  path: string
  averaged: number
  camera: string
  /** when it was made, or the date of its data */
  jd: number
  target: string
  /** fibre of the star */
  fibre: number
  teff?: number
  logg?: number
  bv?: number
  jk?: number
}

/** Enters a template, not yet approved; one that is entered again keeps the flags that were given to it. */
export async function addZero(tree: Tree, zero: NewZero): Promise<void> {
  const Filename = relative(tree.folder, zero.path).split(sep).join('/')
  if (Filename.startsWith('..')) throw new RangeError(`${zero.path} is not in the tree ${tree.folder}`)
  const before = readZeros(tree).find((row) => row.Filename === Filename)
  const row: ZeroRow = {
    ...{ Filename, Navg: zero.averaged, Site: tree.site, Camera: zero.camera, Jdate: zero.jd },
    ...{ Target: targetKey(zero.target), Teff: zero.teff, Logg: zero.logg, 'B-V': zero.bv, 'J-K': zero.jk },
    Flags: before?.Flags ?? `00${zero.fibre}0`,
  }
  await upsertRows(tableOf(tree), zerosTable, [row])
}

/** Approves templates for stars of any name, or withdraws them from all use. Says which rows changed. */
export async function judgeZeros(
  tree: Pick<Tree, 'folder'>,
  filenames: readonly string[],
  verdict: 'approve' | 'withdraw',
): Promise<ZeroRow[]> {
  const wanted = new Set(filenames)
  const changed: ZeroRow[] = []
  await editTable(tableOf(tree), zerosTable, (rows) =>
    rows.map((row) => {
      if (!wanted.has(row.Filename)) return row
      const flags = (row.Flags ?? '').padEnd(4, '0')
      const Flags = `${verdict === 'approve' ? '01' : '10'}${flags.slice(2)}`
      if (Flags === row.Flags) return row
      changed.push({ ...row, Flags })
      return changed.at(-1)!
    }),
  )
  return changed
}

export const isApproved = (row: Pick<ZeroRow, 'Flags'>) => row.Flags?.[0] !== '1' && row.Flags?.[1] === '1'
export const isWithdrawn = (row: Pick<ZeroRow, 'Flags'>) => row.Flags?.[0] === '1'

/** What is known of the star whose velocity is wanted. */
export interface WantedZero {
  target: string
  /** ZERO of targets.csv */
  named?: string | undefined
  /** K */
  teff?: number | undefined
  /** dex */
  logg?: number | undefined
  bv?: number | undefined
  jk?: number | undefined
}

export interface ZeroChoice {
  chosen?: ZeroRow
  why: string
  others: { row: ZeroRow; why: string }[]
}

/** What a star is taken for of which nothing is known: a G dwarf. */
const ASSUMED = { teff: 5250, logg: 4 }

/**
 * The template for a star, as the NRES pipeline chooses: the one that targets.csv names; the latest of the same star; of the
 * approved ones the nearest in temperature and gravity, or where those are not known in B−V, or J−K. Withdrawn ones never.
 */
export function chooseZero(rows: readonly ZeroRow[], wanted: WantedZero): ZeroChoice {
  const usable = rows.filter((row) => !isWithdrawn(row))
  const done = (chosen: ZeroRow | undefined, why: string): ZeroChoice => ({
    ...(chosen ? { chosen } : {}),
    why,
    others: rows.flatMap((row) => (row === chosen ? [] : [{ row, why: lost(row) }])),
  })
  if (wanted.named) {
    const chosen = usable.find((row) => row.Filename === wanted.named || row.Filename.endsWith(`/${wanted.named}`))
    if (!chosen) throw new DataError(`targets.csv names the template ${wanted.named}, zeros.csv has it not`)
    return done(chosen, 'targets.csv names it')
  }
  const key = targetKey(wanted.target)
  const own = usable.filter((row) => row.Target !== undefined && targetKey(row.Target) === key)
  if (own.length > 0) return done(own.sort(latestFirst)[0], `the latest of ${key}`)
  const approved = usable.filter(isApproved).sort(latestFirst)
  if (approved.length === 0) return done(undefined, 'none of this star, and none approved for others')
  const [far, why] = measure(wanted)
  const byDistance = approved.map((row) => ({ row, at: far(row) })).filter(({ at }) => !Number.isNaN(at))
  const best = byDistance.sort((a, b) => a.at - b.at)[0]
  return done(best?.row ?? approved[0], best ? `${why} of the approved` : 'the latest of the approved')
}

const latestFirst = (a: ZeroRow, b: ZeroRow) => (b.Jdate ?? 0) - (a.Jdate ?? 0) || (a.Filename < b.Filename ? 1 : -1)

const lost = (row: ZeroRow) =>
  isWithdrawn(row) ? 'withdrawn' : isApproved(row) ? 'another is nearer' : 'of another star, and not approved'

/** How far a template is from the star, and in what. */
function measure({ teff, logg, bv, jk }: WantedZero): [(row: ZeroRow) => number, string] {
  const real = (value: number | undefined) => value ?? Number.NaN
  const atmosphere = (t: number, g: number) => (row: ZeroRow) =>
    Math.hypot((real(row.Teff) - t) / 1000, (real(row.Logg) - g) / 2)
  if (teff && logg && teff > 0 && logg > 0) return [atmosphere(teff, logg), 'nearest in temperature and gravity']
  if (bv !== undefined) return [(row) => Math.abs(real(row['B-V']) - bv), 'nearest in B-V']
  if (jk !== undefined) return [(row) => Math.abs(real(row['J-K']) - jk), 'nearest in J-K']
  return [atmosphere(ASSUMED.teff, ASSUMED.logg), 'nothing is known of the star: nearest to a G dwarf']
}

/** The template for a star from the tree, its file there; undefined file where none fits. */
export function chooseZeroOf(tree: Pick<Tree, 'folder'>, wanted: WantedZero): ZeroChoice & { path?: string } {
  const rows = readZeros(tree).filter((row) => existsSync(zeroPath(tree, row)))
  const choice = chooseZero(rows, wanted)
  return choice.chosen ? { ...choice, path: zeroPath(tree, choice.chosen) } : choice
}
