import { DataError } from '@nightpipe/files'
import { readTable } from '@nightpipe/table'
import { type CcdRow, ccdsTable, isPlaceholder, type SpectrographRow, spectrographsTable } from './state-tables.js'
import { inTree, type Tree } from './tree.js'

const same = (a: string | undefined, b: string) => (a ?? '').trim().toLowerCase() === b.trim().toLowerCase()

/** What csv/spectrographs.csv holds. */
export const readSpectrographs = (tree: Pick<Tree, 'folder'>): SpectrographRow[] =>
  (readTable(inTree(tree, 'csv', spectrographsTable.name), spectrographsTable, { orEmpty: true }) as SpectrographRow[])
    .filter((row) => !isPlaceholder(row.Site))
    .map((row) => ({ ...row, ...(row.Glass ? { Glass: row.Glass.trim() } : {}) }))

/**
 * The first guess of the wavelength model for a date: of the rows of the site, the newest that is not later than the data. Where
 * all are later the oldest must do. (The NRES pipeline took the newest of all, also one made after the data.)
 */
export function chooseSpectrograph(
  rows: readonly SpectrographRow[],
  { site, mjd }: { site: string; mjd: number },
): { row?: SpectrographRow; why: string } {
  const ours = rows.filter((row) => same(row.Site, site)).sort((a, b) => (a.MJD ?? 0) - (b.MJD ?? 0))
  const row = ours.findLast((one) => (one.MJD ?? 0) <= mjd)
  if (row) return { row, why: `newest of ${ours.length} of ${site} that is not later than the data` }
  if (ours[0]) return { row: ours[0], why: `oldest of ${site}: all ${ours.length} are later than the data` }
  return { why: `spectrographs.csv has no row of ${site}` }
}

/** The row of a camera in csv/ccds.csv; undefined when there is none. Two are refused. */
export function ccdOf(tree: Pick<Tree, 'folder'>, camera: string): CcdRow | undefined {
  const path = inTree(tree, 'csv', ccdsTable.name)
  const found = readTable(path, { ...ccdsTable, key: [] }, { orEmpty: true }).filter((row) => same(row.camera, camera))
  if (found.length > 1) {
    throw new DataError(`${path} has ${found.length} rows of the camera ${camera}`, 'leave the one that is right')
  }
  return found[0] as CcdRow | undefined
}
