import { spawn } from 'node:child_process'

/** How a shell command ended that was given something on its standard input. */
export interface HandedOver {
  /** 0 when all went well */
  code: number | string
  /** the last line that it said on standard error */
  words: string
}

/** Runs a shell command with `body` on its standard input; it and what it started are stopped when it takes too long. */
export function handOver(
  run: string,
  body: Uint8Array,
  environment: Readonly<Record<string, string>>,
  seconds: number,
): Promise<HandedOver> {
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', run], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
      detached: true,
    })
    let said = ''
    let late = false
    const stop = (signal: NodeJS.Signals) => {
      late = true
      try {
        if (child.pid) process.kill(-child.pid, signal)
      } catch {
        // It has ended meanwhile.
      }
    }
    const timer = setTimeout(() => stop('SIGTERM'), seconds * 1000)
    const last = setTimeout(() => stop('SIGKILL'), seconds * 1000 + 5000)
    child.stderr.on('data', (piece) => {
      said = (said + piece).slice(-2000)
    })
    child.stdin.on('error', () => {}) // it does not want to read: its matter
    child.on('error', (error) => {
      said = error.message
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      clearTimeout(last)
      const words = said.trim().split('\n').at(-1) ?? ''
      resolve({ code: code ?? signal ?? 1, words: late ? `took longer than ${seconds} s, and was stopped` : words })
    })
    child.stdin.end(body)
  })
}
