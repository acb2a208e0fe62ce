import { type Conducting, defineConductor, Exit } from '@nightpipe/command'
import { readTargets, type TargetRow, targetKey, targetsTable, treeFlags } from '@nightpipe/spectrographs'
import { alignColumns } from '@nightpipe/table'
import { IN, treeFor } from './tree.js'

/** The catalogue of a tree. */
export const list = defineConductor({
  name: 'targets',
  subcommand: 'list',
  summary: 'the stars that a spectrograph observes',
  examples: [{ run: `targets list ${IN} --target 51peg`, doc: 'one of them' }],
  schema: {},
  flags: { ...treeFlags, target: { type: 'text', doc: 'only this star', placeholder: 'NAME' } },
  measurements: [],
  inputs: 'none',
  prints: true,
  tables: [targetsTable],
  conduct,
})

const SHOWN = [
  'Name',
  'RA(deg)',
  'Dec(deg)',
  'Vmag',
  'Bmag',
  'PMRA',
  'PMDE',
  'Plax',
  'RV',
  'Teff',
  'Logg',
  'ZERO',
] as const

async function conduct(request: Conducting): Promise<number> {
  const { flags, json, print, log } = request
  const wanted = flags.target as string | undefined
  const isWanted = (row: TargetRow) => wanted === undefined || targetKey(row.Name) === targetKey(wanted)
  const rows = readTargets(treeFor(request), (error) => log.warn(error.message)).filter(isWanted)
  const cells = (row: TargetRow) => SHOWN.map((name) => String(row[name] ?? ''))
  if (json) for (const row of rows) await print(`${JSON.stringify(row)}\n`)
  else await print(alignColumns([[...SHOWN], ...rows.map(cells)]))
  return rows.length ? Exit.done : Exit.verdictNo
}
