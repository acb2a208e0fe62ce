import { type Conducting, defineConductor, Exit } from '@nightpipe/command'
import { inTree, readTargets, targetsTable, treeFlags } from '@nightpipe/spectrographs'
import { checkTable, editTable } from '@nightpipe/table'
import { type TargetProblem, targetProblems } from './problems.js'
import { IN, treeFor } from './tree.js'

/** What is wrong, or suspicious, in the catalogue of a tree. */
export const check = defineConductor({
  name: 'targets',
  subcommand: 'check',
  summary: 'what is wrong in the catalogue of targets; exit 4 when something is',
  description:
    'Cells that are no numbers, coordinates and motions that cannot be, stars that stand twice, and values that are exactly ' +
    'those of the star above: lists are known in which a missing proper motion or velocity was filled with that of the row ' +
    'before. --clear makes those missing: a velocity is better without a proper motion than with that of another star.',
  examples: [
    { run: `targets check ${IN}`, doc: 'a line for each problem' },
    { run: `targets check ${IN} --clear`, doc: 'and what was carried over becomes missing' },
  ],
  schema: {},
  flags: { ...treeFlags, clear: { type: 'flag', doc: 'make values that were carried over missing' } },
  measurements: [],
  inputs: 'none',
  prints: true,
  tables: [targetsTable],
  conduct,
})

const isCarried = ({ problem }: TargetProblem) => problem.endsWith('carried over')

async function conduct(request: Conducting): Promise<number> {
  const { flags, json, print, log, dryRun } = request
  const tree = treeFor(request)
  const path = inTree(tree, 'csv', targetsTable.name)
  const cells = checkTable(path, targetsTable)
  const problems = targetProblems(readTargets(tree))
  for (const { line, column, problem } of cells) {
    await print(
      json
        ? `${JSON.stringify({ path, line, column, problem })}\n`
        : `${path}:${line}: ${column ? `${column}: ` : ''}${problem}\n`,
    )
  }
  for (const { name, columns, problem } of problems) {
    await print(json ? `${JSON.stringify({ path, name, columns, problem })}\n` : `${path}: ${name}: ${problem}\n`)
  }
  if (flags.clear && !dryRun) log.info(`${await clearCarried(path)} values made missing`)
  const left = problems.filter((one) => !(flags.clear && isCarried(one)))
  if (cells.length + left.length === 0 && problems.length === 0) log.info(`${path} is whole`)
  return cells.length + left.length === 0 ? Exit.done : Exit.verdictNo
}

/** Makes what was carried over missing; returns how many values. */
async function clearCarried(path: string): Promise<number> {
  let cleared = 0
  await editTable(path, targetsTable, (rows) => {
    const gone = targetProblems(rows).filter(isCarried)
    return rows.map((row, at) => {
      const columns = gone.filter((one) => one.row === at).flatMap((one) => one.columns)
      if (columns.length === 0) return row
      cleared += columns.length
      return Object.assign(row, Object.fromEntries(columns.map((column) => [column, undefined])))
    })
  })
  return cleared
}
