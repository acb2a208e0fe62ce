import { discardOpenParts } from '@nightpipe/files'
import type { RunSession } from './run.js'

const PATIENCE_MS = 400
const patience = () => new Promise<void>((go) => setTimeout(go, PATIENCE_MS))

/** For an end before time: threads are stopped, finished rows saved, unfinished files removed, whatever hangs. */
export async function closeDown(session: RunSession): Promise<void> {
  await Promise.race([session.progressEnd?.(true), patience()])
  await Promise.race([session.pool?.stop(), patience()])
  try {
    await Promise.race([session.report?.save(0.2), patience()])
  } catch {
    // Somebody else is writing the report, or the disk is full: the journal keeps the rows for the next run.
  }
  const journal = session.report?.setAside()
  discardOpenParts([...session.folders])
  journal?.restore()
}
