import { type Conducting, DataError, defineConductor, Exit } from '@nightpipe/command'
import { angularSeparation } from '@nightpipe/sky'
import { inTree, readTargets, type TargetRow, targetKey, targetsTable, treeFlags } from '@nightpipe/spectrographs'
import { editTable } from '@nightpipe/table'
import { type Star, starsOf, understand } from './columns.js'
import { readRecords } from './records.js'
import { IN, treeFor } from './tree.js'

/** Lists of stars into the catalogue of a tree. */
export const importTargets = defineConductor({
  name: 'targets',
  subcommand: 'import',
  summary: 'lists of stars into the catalogue of targets: CSV of any columns, VOTable, records of SIMBAD',
  description:
    'Columns are known by the names that catalogues give them (main_id, RAJ2000, pmra, plx_value, rvz_radvel, FLUX_V, Teff, ' +
    'logg, ref_epoch…), positions in degrees or sexagesimal, units of a VOTable are honoured, positions of another epoch are ' +
    'brought to J2000. A star that the catalogue has already (same name, or within 2 arcsec) gets what the list says of it and ' +
    'keeps the rest. What a list does not say stays missing: nothing is carried over or made up.',
  examples: [
    { run: `targets import --input simbad.csv ${IN}`, doc: 'what a service gave' },
    { run: `targets import --input mine.csv ${IN} --dry-run`, doc: 'only what would change' },
  ],
  schema: {},
  flags: treeFlags,
  measurements: [],
  inputs: 'fits',
  extensions: ['.csv', '.tsv', '.txt', '.vot', '.xml', '.json'],
  prints: true,
  tables: [targetsTable],
  conduct,
})

async function conduct(request: Conducting): Promise<number> {
  const { inputs, log, json, print, dryRun } = request
  const tree = treeFor(request)
  const stars = inputs.flatMap(({ path, shown }): Star[] => {
    const records = readRecords(path)
    const understood = understand(records.fields)
    const { columns, unknown } = understood
    if (!columns.has('Name') && !(columns.has('RA(deg)') && columns.has('Dec(deg)'))) {
      const names = records.fields.map(({ name }) => name).join(', ')
      throw new DataError(
        `${shown} has neither names nor coordinates of stars (its columns: ${names})`,
        'name a column name, ra, dec',
      )
    }
    if (unknown.length) log.warn(`${shown}: columns that mean nothing here: ${unknown.join(', ')}`)
    return starsOf(records, understood)
  })
  for (const problem of stars.flatMap(({ problems }) => problems)) log.warn(`${problem}: left missing`)
  const rows = stars.map(({ row }) => row)
  const path = inTree(tree, 'csv', targetsTable.name)
  let told: Told[] = []
  const merge = (table: TargetRow[]) => {
    told = []
    return mergeTargets(table, rows, told)
  }
  if (dryRun) merge(readTargets(tree))
  else await editTable(path, targetsTable, merge)
  for (const one of told)
    await print(json ? `${JSON.stringify(one)}\n` : `${one.what.padEnd(8)} ${one.name}${one.detail}\n`)
  return Exit.done
}

interface Told {
  what: 'new' | 'changed' | 'as it was'
  name: string
  detail: string
}

/** The stars of a list put into the rows of a table: what the list says wins, what it does not say stays. */
function mergeTargets(table: readonly TargetRow[], stars: readonly TargetRow[], told: Told[]): TargetRow[] {
  const merged = [...table]
  for (const star of stars) {
    const at = placeOf(merged, star)
    if (at < 0) {
      merged.push(star)
      told.push({ what: 'new', name: star.Name, detail: '' })
      continue
    }
    const old = merged[at]!
    const columns = (Object.keys(star) as (keyof TargetRow)[]).filter(
      (c) => c !== 'Name' && star[c] !== undefined && star[c] !== old[c],
    )
    const changes = columns.map((c) => `${c} ${old[c] ?? 'missing'} -> ${star[c]}`)
    // The row itself, not a copy: its other cells keep their spelling in the file.
    Object.assign(old, Object.fromEntries(columns.map((c) => [c, star[c]])))
    const detail = changes.length ? `: ${changes.join(', ')}` : ''
    told.push({ what: changes.length ? 'changed' : 'as it was', name: old.Name, detail })
  }
  return merged
}

const SAME_PLACE_DEG = 2 / 3600

/** The row of the same name (of several the nearest), or at the same place; -1 for a star that is new. */
function placeOf(table: readonly TargetRow[], star: TargetRow): number {
  const apart = (row: TargetRow) => {
    const [ra, dec, ra2, dec2] = [row['RA(deg)'], row['Dec(deg)'], star['RA(deg)'], star['Dec(deg)']]
    if (ra === undefined || dec === undefined || ra2 === undefined || dec2 === undefined)
      return Number.POSITIVE_INFINITY
    return angularSeparation([ra, dec], [ra2, dec2])
  }
  const nearest = (places: number[]) => places.sort((a, b) => apart(table[a]!) - apart(table[b]!))[0] ?? -1
  const all = table.map((_, at) => at)
  const named = nearest(all.filter((at) => targetKey(table[at]!.Name) === targetKey(star.Name)))
  return named >= 0 ? named : nearest(all.filter((at) => apart(table[at]!) <= SAME_PLACE_DEG))
}
