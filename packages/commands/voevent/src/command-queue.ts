import { spawn } from 'node:child_process'
import type { Log } from '@nightpipe/command'

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
  const runOnce = (xml: Uint8Array, environment: Record<string, string>) =>
    new Promise<void>((resolve) => {
      const child = spawn('sh', ['-c', run], {
        stdio: ['pipe', 'ignore', 'pipe'],
        env: { ...process.env, ...environment },
        detached: true,
      })
      let said = ''
      const timer = setTimeout(() => {
        log.warn(`the command takes longer than ${timeout} s, and is stopped`)
        if (child.pid) process.kill(-child.pid, 'SIGTERM')
      }, timeout * 1000)
      child.stderr.on('data', (piece) => {
        said = (said + piece).slice(-2000)
      })
      child.stdin.on('error', () => {}) // it does not want to read: its matter
      child.on('error', (error) => log.warn(`the command cannot be started: ${error.message}`))
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        const words = said.trim().split('\n').at(-1)
        if (code !== 0)
          log.warn(
            `the command ended with ${code ?? signal} for ${environment.VOEVENT_IVORN}${words ? `: ${words}` : ''}`,
          )
        resolve()
      })
      child.stdin.end(xml)
    })
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
