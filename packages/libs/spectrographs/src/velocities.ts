import { editTable, readTable } from '@nightpipe/table'
import { isPlaceholder, type RvRow, rvTable } from './state-tables.js'
import { inTree, type Tree } from './tree.js'

const tableOf = (tree: Pick<Tree, 'folder'>) => inTree(tree, 'csv', rvTable.name)

/** The velocities of a tree. */
export const readVelocities = (tree: Pick<Tree, 'folder'>): RvRow[] =>
  readTable(tableOf(tree), rvTable, { orEmpty: true }).filter((row) => !isPlaceholder(row.Targname, row.Site))

/** Enters the velocities of one exposure instead of those that the table had of it, under its lock. */
export async function replaceVelocities(tree: Tree, rawFrame: string, rows: readonly RvRow[]): Promise<void> {
  await editTable(tableOf(tree), rvTable, (all) => [...all.filter((row) => row.Orgname !== rawFrame), ...rows])
}
