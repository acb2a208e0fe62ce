import { inTree, type Tree } from '@nightpipe/spectrographs'
import { defineTable, type RowOf, readTable, upsertRows } from '@nightpipe/table'

/** How far the set-up of a tree has come. */
export const setupTable = defineTable({
  name: 'site-setup-steps.csv',
  doc: 'the steps of the set-up of a spectrograph, and what came of each',
  columns: [
    { name: 'number', type: 'integer', doc: 'in the order in which they are done', required: true },
    { name: 'step', type: 'text', doc: 'its name', required: true },
    { name: 'status', type: 'text', doc: 'running, done, failed, or without', required: true },
    { name: 'detail', type: 'text', doc: 'what came of it, or why it failed' },
    { name: 'made_of', type: 'text', doc: 'digest of the frames that it was done on' },
    { name: 'commands', type: 'text', doc: 'the command lines, as a shell takes them' },
    { name: 'ended', type: 'text', doc: 'UTC' },
  ],
  key: ['step'],
  sort: ['number'],
})
export type StepRow = RowOf<typeof setupTable>

const pathOf = (tree: Tree) => inTree(tree, 'csv', setupTable.name)

export const readSteps = (tree: Tree): Map<string, StepRow> =>
  new Map(readTable(pathOf(tree), setupTable, { orEmpty: true }).map((row) => [row.step, row]))

export const writeStep = (tree: Tree, row: StepRow) => upsertRows(pathOf(tree), setupTable, [row])
