import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Conducting, type MeasurementSpec, pathInReport, type Row, reportTable } from '@nightpipe/command'
import { stemOf } from '@nightpipe/files'
import { readTable, upsertRows } from '@nightpipe/table'
import type { NightPlan } from './plan.js'
import type { Outcome } from './schedule.js'
import type { PipelineSchema } from './schema.js'
import type { Step } from './step.js'

export const measurements: readonly MeasurementSpec[] = [
  { name: 'group', type: 'text', doc: 'folder of its group' },
  { name: 'stage', type: 'text', doc: 'the last stage that it went through, or the one where it was lost' },
]

/** What a stage did with one input. */
interface Fate {
  status: string
  reason?: string
  product?: string
  seconds: number
}

/** What became of each raw frame of the night, through all stages: the report `pipeline.csv`. */
export async function nightFrames(
  { output }: Conducting<PipelineSchema>,
  plan: NightPlan,
  outcomes: ReadonlyMap<Step, Outcome>,
): Promise<Row[]> {
  const rows: Row[] = plan.aside.map(({ path, status, reason }) => ({ input: path, status, reason }))
  const perFrame = plan.steps.filter(({ stage, group }) => group && !['summary', 'stacking'].includes(stage))
  const reports = new Map(perFrame.map((step) => [step, fatesOf(step)]))
  const members = new Map(plan.steps.flatMap((step) => (step.frames && step.group ? [[step.group, step.frames]] : [])))
  for (const [group, paths] of members) {
    const steps = perFrame.filter((step) => step.group === group)
    for (const path of paths) rows.push(fateOf(path, group, steps, reports, outcomes))
  }
  const table = reportTable('pipeline', measurements)
  const lines = rows.map((row) => {
    const product = row.product && pathInReport(output, row.product)
    const { seconds, ...measured } = row.measurements ?? {}
    return {
      input: pathInReport(output, row.input),
      status: row.status,
      reason: row.reason,
      product,
      seconds,
      ...measured,
    }
  })
  if (lines.length > 0) await upsertRows(join(output, 'pipeline.csv'), table, lines as never[])
  return rows
}

function fateOf(
  path: string,
  group: string,
  steps: readonly Step[],
  reports: ReadonlyMap<Step, ReadonlyMap<string, Fate>>,
  outcomes: ReadonlyMap<Step, Outcome>,
): Row {
  const row: Row = { input: path, status: 'done' }
  let [seconds, last] = [0, '']
  for (const step of steps) {
    const outcome = outcomes.get(step)
    const fate = reports.get(step)?.get(stemOf(path))
    const broken = outcome?.status === 'failed' && fate === undefined
    if (outcome === undefined || outcome.status === 'lost' || (fate === undefined && !broken)) continue
    last = step.stage
    seconds += fate?.seconds ?? 0
    if (fate?.product && /\.(fits|fz)$/.test(fate.product) && !/\.(cat|phot|diff|score)\.fits/.test(fate.product)) {
      row.product = join(step.folder, fate.product)
    }
    if (fate?.status === 'done') continue
    // The first stage that lost it counts; what others did with it besides is in their own reports.
    Object.assign(row, { status: fate?.status ?? 'failed', reason: `${step.stage}: ${fate?.reason ?? outcome.reason}` })
    break
  }
  row.measurements = { group, stage: last, seconds: Math.round(1000 * seconds) / 1000 }
  return row
}

/** The report of a step by the stem of each input, which products keep. */
function fatesOf({ folder, module: { command } }: Step): Map<string, Fate> {
  const path = join(folder, `${command}.csv`)
  if (!existsSync(path)) return new Map()
  return new Map(
    readTable(path, reportTable(command, [])).map((line) => {
      const { input, status, reason, product, seconds } = line as Record<string, string | number | undefined>
      const fate = {
        status: String(status),
        reason: reason as string,
        product: product as string,
        seconds: Number(seconds ?? 0),
      }
      return [stemOf(String(input)), fate]
    }),
  )
}
