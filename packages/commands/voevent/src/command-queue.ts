import type { Log } from '@nightpipe/command'
import { handOver } from '@nightpipe/messages'

/** Runs a shell command for events, one after the other: an alert a second must not become a thousand processes. */
export interface CommandQueue {
  add(xml: Uint8Array, environment: Record<string, string>): void
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>
}

export function commandQueue(
  { run, timeout, waiting: most }: { run: string; timeout: number; waiting: number },
  log: Log,
): CommandQueue {
  const waiting: { xml: Uint8Array; environment: Record<string, string> }[] = []
  let running: Promise<void> | undefined
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await runOnce(next.xml, next.environment)
    running = undefined
  }
  const runOnce = async (xml: Uint8Array, environment: Record<string, string>) => {
    const { code, words } = await handOver(run, xml, environment, timeout)
    if (code !== 0)
      log.warn(`the command ended with ${code} for ${environment.VOEVENT_IVORN}${words ? `: ${words}` : ''}`)
  }
  return {
    add(xml, environment) {
      if (waiting.length >= most)
        return log.warn(`${most} events wait for the command: ${environment.VOEVENT_IVORN} is not given to it`)
      waiting.push({ xml, environment })
      running ??= work()
    },
    async idle() {
      while (running) await running
    },
  }
}
