import { spawn } from 'node:child_process'
import { commandLine } from '@nightpipe/testing'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** The command as a person meets it; `until` may end it when something has been printed on standard error. */
export function catalogue(args: readonly string[], cwd: string, until?: RegExp): Promise<Ended> {
  const child = spawn(...commandLine('catalogue', ...args), { cwd })
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (piece: string) => {
      text[stream] += piece
      if (until?.test(text.stderr)) child.kill('SIGKILL')
    })
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...text })))
}
