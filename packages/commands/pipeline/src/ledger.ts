import { join } from 'node:path'
import { defineTable, type RowOf, readTable, upsertRows } from '@nightpipe/table'

/** A row for each call of the pipeline on a folder. */
export const runsTable = defineTable({
  name: 'runs',
  doc: 'the calls of pipeline on this folder',
  columns: [
    { name: 'run', type: 'integer', doc: 'number of the call', required: true },
    { name: 'started', type: 'text', doc: 'UTC', required: true },
    { name: 'ended', type: 'text', doc: 'UTC; empty while it runs, and where it was killed' },
    { name: 'version', type: 'text', doc: 'version of the toolkit', required: true },
    { name: 'strategy', type: 'text', doc: 'the strategy', required: true },
    { name: 'config', type: 'text', doc: 'digest of the configurations of all modules' },
    { name: 'frames', type: 'integer', doc: 'raw frames found' },
    { name: 'groups', type: 'integer', doc: 'groups of science frames' },
    { name: 'steps', type: 'integer', doc: 'steps of the plan' },
    { name: 'done', type: 'integer', doc: 'steps that ran and are done' },
    { name: 'kept', type: 'integer', doc: 'steps that were up to date' },
    { name: 'failed', type: 'integer', doc: 'steps that failed, or could not be tried' },
    { name: 'exit', type: 'integer', doc: 'exit code' },
  ],
  key: ['run'],
})

/** The state of each step: what it was made of, and what came of it. */
export const stepsTable = defineTable({
  name: 'steps',
  doc: 'the steps of the pipeline on this folder, with the last attempt at each',
  columns: [
    { name: 'group', type: 'text', doc: 'folder of the group; empty for what all share' },
    { name: 'stage', type: 'text', doc: 'stage', required: true },
    {
      name: 'status',
      type: 'text',
      doc: 'waiting, running, done, failed, lost (what it needs failed)',
      required: true,
    },
    { name: 'reason', type: 'text', doc: 'why it failed, or what befell some of its frames' },
    { name: 'run', type: 'integer', doc: 'the call that made the attempt' },
    { name: 'attempts', type: 'integer', doc: 'how often it was started on the same inputs and configuration' },
    { name: 'inputs', type: 'text', doc: 'digest of its inputs and masters' },
    { name: 'config', type: 'text', doc: 'digest of its configuration and version' },
    { name: 'products', type: 'integer', doc: 'number of products' },
    { name: 'frames', type: 'integer', doc: 'number of inputs' },
    { name: 'started', type: 'text', doc: 'UTC' },
    { name: 'ended', type: 'text', doc: 'UTC' },
    { name: 'seconds', type: 'number', doc: 'time it took', unit: 's' },
    { name: 'workers', type: 'integer', doc: 'threads it was given' },
    { name: 'exit', type: 'integer', doc: 'exit code of the command' },
    { name: 'pid', type: 'integer', doc: 'its process, while it runs' },
    { name: 'command', type: 'text', doc: 'the command line, as a shell takes it' },
  ],
  key: ['group', 'stage'],
})

export type RunRow = RowOf<typeof runsTable>
export type StepRow = RowOf<typeof stepsTable>

/** The two tables of one output folder. Only the holder of its lock writes them. */
export interface Ledger {
  steps: Map<string, StepRow>
  run: RunRow
  write(...rows: StepRow[]): Promise<void>
  writeRun(run: RunRow): Promise<void>
}

export const keyOf = (group: string | undefined, stage: string) => `${group ?? ''} ${stage}`

export const readSteps = (output: string) => readTable(join(output, 'steps.csv'), stepsTable, { orEmpty: true })
export const readRuns = (output: string) => readTable(join(output, 'runs.csv'), runsTable, { orEmpty: true })

export function openLedger(output: string, first: Omit<RunRow, 'run'>): Ledger {
  const rows = readSteps(output)
  const steps = new Map(rows.map((row) => [keyOf(row.group, row.stage), row]))
  const run = 1 + Math.max(0, ...readRuns(output).map((row) => row.run))
  // One write at a time, in the order of what happened.
  let last: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>) => {
    last = last.then(work)
    return last
  }
  const ledger: Ledger = {
    steps,
    run: { ...first, run },
    write(...changed) {
      for (const row of changed) steps.set(keyOf(row.group, row.stage), row)
      return inTurn(() => upsertRows(join(output, 'steps.csv'), stepsTable, changed))
    },
    writeRun(row) {
      ledger.run = row
      return inTurn(() => upsertRows(join(output, 'runs.csv'), runsTable, [row]))
    },
  }
  return ledger
}
