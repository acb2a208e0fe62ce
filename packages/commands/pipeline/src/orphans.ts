import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '@nightpipe/command'
import { readSteps } from './ledger.js'

const PATIENCE_MS = 5000

/**
 * Steps whose pipeline was killed may still be at work: they are ended, so that nothing is done twice at once. A process
 * counts as one of ours only when its command line names the output folder.
 */
export async function endOrphans(output: string, log: Log): Promise<void> {
  for (const { group, stage, status, pid } of readSteps(output)) {
    if (status !== 'running' || pid === undefined || !isOurs(pid, output)) continue
    log.info(`${group ? `${group} ` : ''}${stage} is still at work for a pipeline that was killed: stopped`)
    signalTo(pid, 'SIGTERM')
    for (const end = performance.now() + PATIENCE_MS; isOurs(pid, output); await sleep(50)) {
      if (performance.now() > end) signalTo(pid, 'SIGKILL')
    }
  }
}

function isOurs(pid: number, output: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .some((word) => word.startsWith(output))
  } catch {
    return false // gone, or another system than Linux: its products are whole anyway
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has just ended by itself.
  }
}
