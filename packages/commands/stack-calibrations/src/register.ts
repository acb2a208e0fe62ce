import { join } from 'node:path'
import { CALIBRATIONS_FILE, calibrationsTable, describeMaster } from '@nightpipe/calibrations'
import type { Request, Row } from '@nightpipe/command'
import { upsertRows } from '@nightpipe/table'
import type { schema } from './schema.js'

/** Every master of this run gets its row in calibrations.csv, read from the master itself. */
export async function registerMasters(request: Request<typeof schema>, rows: readonly Row[]): Promise<void> {
  const made = [...new Set(rows.flatMap(({ product }) => product ?? []))].sort()
  if (made.length === 0) return
  await upsertRows(join(request.output, CALIBRATIONS_FILE), calibrationsTable, made.map(describeMaster))
}
