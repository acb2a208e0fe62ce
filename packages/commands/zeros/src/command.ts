import { existsSync } from 'node:fs'
import { type Conducting, ConfigError, DataError, defineConductor, Exit } from '@nightpipe/command'
import {
  isApproved,
  isWithdrawn,
  judgeZeros,
  openTree,
  readZeros,
  type Tree,
  targetKey,
  treeFlags,
  type ZeroRow,
  zeroPath,
  zerosTable,
} from '@nightpipe/spectrographs'
import { alignColumns } from '@nightpipe/table'

const common = {
  name: 'zeros',
  schema: {},
  measurements: [],
  inputs: 'none',
  prints: true,
  tables: [zerosTable],
} as const
const whichFlags = {
  template: { type: 'list', doc: 'the templates, as `zeros list` names them', placeholder: 'NAME…' },
  target: { type: 'text', doc: 'the latest template of this star', placeholder: 'NAME' },
  all: { type: 'flag', doc: 'all that are in the table' },
} as const
const IN = '--root /data --site cpt --nres-instrument nres03'

/** The templates of a tree. */
export const list = defineConductor({
  ...common,
  subcommand: 'list',
  summary: 'the velocity templates of a spectrograph, and which may serve for which stars',
  examples: [{ run: `zeros list ${IN}`, doc: 'all, by date' }],
  flags: { ...treeFlags, target: { type: 'text', doc: 'only those of this star', placeholder: 'NAME' } },
  conduct: listZeros,
})

/** Makes a template serve for stars of any name. */
export const approve = defineConductor({
  ...common,
  subcommand: 'approve',
  summary: 'lets a template serve for all stars like its own',
  description:
    'A new template serves its own star only. Once approved it serves every star to which it is the nearest approved one in ' +
    'temperature and gravity. Writes the flag in csv/zeros.csv under its lock; one that was withdrawn is in use again.',
  examples: [{ run: `zeros approve ${IN} --target HD49933`, doc: 'the latest of this star' }],
  flags: { ...treeFlags, ...whichFlags },
  conduct: (request) => judge(request, 'approve'),
})

/** Takes a template out of use. */
export const withdraw = defineConductor({
  ...common,
  subcommand: 'withdraw',
  summary: 'takes a template out of use, also for its own star',
  description: 'Its file and its row stay; velocities that were measured with it are not touched.',
  examples: [{ run: `zeros withdraw ${IN} --template zero/ZEROcpt2017317.27425.fits`, doc: 'a bad one' }],
  flags: { ...treeFlags, ...whichFlags },
  conduct: (request) => judge(request, 'withdraw'),
})

function treeFor({ flags }: Conducting): Tree {
  const tree = openTree(flags)
  if (!tree) throw new ConfigError('no spectrograph tree', 'give --root, --site and --nres-instrument, or --tree DIR')
  return tree
}

const stateOf = (tree: Tree, row: ZeroRow) =>
  isWithdrawn(row)
    ? 'withdrawn'
    : !existsSync(zeroPath(tree, row))
      ? 'its file is missing'
      : isApproved(row)
        ? 'approved'
        : 'for its own star'

const isOf = (target: unknown) => (row: ZeroRow) =>
  target === undefined || targetKey(row.Target ?? '') === targetKey(String(target))

async function listZeros(request: Conducting): Promise<number> {
  const { flags, json, print } = request
  const tree = treeFor(request)
  const rows = readZeros(tree).filter(isOf(flags.target))
  if (json) {
    for (const row of rows) await print(`${JSON.stringify({ ...row, state: stateOf(tree, row) })}\n`)
    return Exit.done
  }
  const cell = (value: number | undefined) => (value === undefined ? '' : String(value))
  const lines = rows.map((row) => [
    ...[row.Filename, row.Target ?? '', cell(row.Navg), cell(row.Teff), cell(row.Logg), row.Flags ?? ''],
    stateOf(tree, row),
  ])
  await print(alignColumns([['Filename', 'Target', 'Navg', 'Teff_K', 'logg', 'Flags', 'state'], ...lines]))
  return Exit.done
}

/** The rows that a call means; each name must be known. */
function chosen({ flags }: Conducting, rows: readonly ZeroRow[]): ZeroRow[] {
  const names = flags.template as string[] | undefined
  const given = [names, flags.target, flags.all].filter((value) => value !== undefined && value !== false)
  if (given.length !== 1) throw new ConfigError('which template?', 'give one of --template, --target and --all')
  if (flags.all) return [...rows]
  if (names) {
    return names.map((name) => {
      const row = rows.find(
        ({ Filename }) => Filename === name || Filename.endsWith(`/${name}`) || name.endsWith(`/${Filename}`),
      )
      if (!row) throw new DataError(`zeros.csv has no template ${name}`, 'zeros list shows them')
      return row
    })
  }
  const own = rows.filter(isOf(flags.target)).sort((a, b) => (b.Jdate ?? 0) - (a.Jdate ?? 0))
  if (!own[0]) throw new DataError(`zeros.csv has no template of ${String(flags.target)}`, 'zeros list shows them')
  return [own[0]]
}

async function judge(request: Conducting, verdict: 'approve' | 'withdraw'): Promise<number> {
  const { log, json, print, dryRun } = request
  const tree = treeFor(request)
  const rows = chosen(request, readZeros(tree))
  const gone = rows.find((row) => verdict === 'approve' && !existsSync(zeroPath(tree, row)))
  if (gone)
    throw new DataError(`${zeroPath(tree, gone)} is missing`, 'make it again by stack-calibrations, or withdraw it')
  const names = rows.map(({ Filename }) => Filename)
  const changed = dryRun ? rows : await judgeZeros(tree, names, verdict)
  for (const row of changed) await print(json ? `${JSON.stringify(row)}\n` : `${row.Filename} ${row.Flags ?? ''}\n`)
  if (changed.length === 0) log.info(`nothing to change: ${names.join(', ') || 'there are no templates'}`)
  return Exit.done
}
