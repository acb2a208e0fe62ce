import { setTimeout as wait } from 'node:timers/promises'

/** Longer than anything takes on a machine that others keep busy: what is waited for this long does not come. */
export const PATIENCE_MS = 600_000
const EVERY_MS = 50

/** Waits until something is true. False when that does not come: only what hangs is told so. */
export async function until(what: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await wait(EVERY_MS))
    if (await what()) return true
  return false
}
