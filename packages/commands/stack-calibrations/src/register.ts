import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CALIBRATIONS_FILE, calibrationsTable, describeMaster } from '@nightpipe/calibrations'
import type { Plan, Request, Row } from '@nightpipe/command'
import { upsertRows } from '@nightpipe/table'
import type { MasterJob } from './plan.js'
import type { schema } from './schema.js'

/** Every master of this run gets its row in calibrations.csv, read from the master itself. */
export async function registerMasters(
  request: Request<typeof schema>,
  _rows: readonly Row[],
  plan: Plan<MasterJob>,
): Promise<void> {
  const made = plan.jobs.flatMap((job) => job.products).filter((path) => existsSync(path))
  if (made.length === 0) return
  await upsertRows(join(request.output, CALIBRATIONS_FILE), calibrationsTable, made.map(describeMaster))
}
