import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Conducting } from '@nightpipe/command'
import { tryLock } from '@nightpipe/files'
import { alignColumns, parseCsv, textOfTable } from '@nightpipe/table'
import { readRuns, readSteps, type StepRow } from './ledger.js'
import type { PipelineSchema } from './schema.js'

const PERIOD_MS = 1000

/** Shows the state of the steps of an output folder, anew every second, until the pipeline that works there has ended. */
export async function watchRun({ output, print, signal, log }: Conducting<PipelineSchema>): Promise<number> {
  if (!existsSync(join(output, 'runs.csv'))) {
    log.info(`no pipeline has worked in ${output} yet`)
    return 0
  }
  const moves = process.stdout.isTTY === true
  let [before, lines] = ['', 0]
  for (;;) {
    const working = isWorking(output)
    const text = stateOf(output)
    if (text !== before) {
      await print(moves && lines > 0 ? `\x1b[${lines}A\x1b[J${text}` : text)
      lines = text.split('\n').length - 1
      before = text
    }
    if (!working || signal.aborted) return signal.aborted ? 130 : 0
    await sleep(PERIOD_MS)
  }
}

function isWorking(output: string): boolean {
  const lock = tryLock(join(output, 'pipeline'))
  lock?.release()
  return lock === undefined
}

/** The table: a line for each step of the last run. */
export function stateOf(output: string): string {
  const run = readRuns(output).at(-1)
  const head = run ? `run ${run.run}, begun ${run.started}${run.ended ? `, ended ${run.ended}` : ''}\n` : ''
  const rows = readSteps(output).map((row) => [
    ...[row.group ?? '', row.stage, row.status, progressOf(output, row), (row.seconds ?? since(row)).toFixed(0)],
    row.reason ?? '',
  ])
  return head + alignColumns([['group', 'stage', 'status', 'frames', 'seconds', 'reason'], ...rows])
}

const since = ({ started, status }: StepRow) =>
  status === 'running' && started ? (Date.now() - Date.parse(started)) / 1000 : 0

/** `3/12` while it runs: the report of the command grows with every frame. */
function progressOf(output: string, { group, stage, status, frames, command }: StepRow): string {
  if (status !== 'running') return frames === undefined ? '' : String(frames)
  const folder = join(output, group ?? '', stage)
  const name = command?.split(' ')[0] ?? stage
  const text = textOfTable(join(folder, `${name}.csv`))
  const done = text === undefined ? 0 : Math.max(0, parseCsv(text, name).length - 1)
  return `${Math.min(done, frames ?? 0)}/${frames ?? 0}`
}
