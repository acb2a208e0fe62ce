import { type ChildProcess, spawn } from 'node:child_process'
import { call, commandLine, PATIENCE_MS } from '@nightpipe/testing'

export const run = (args: readonly string[], cwd: string, input = '') => call('voevent', args, { cwd, input })

/** An event of SVOM. */
export function event(
  burst: string,
  kind: string,
  { role = 'observation', snr = 9, error = 0.1, cites = '' } = {},
): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" role="${role}" version="2.0" ivorn="ivo://org.svom/fsc#${burst}_${kind}">
<Who><Date>2026-01-01T00:01:00</Date></Who><What><Param name="SNR" value="${snr}"/></What>
<WhereWhen><ObsDataLocation><ObservationLocation><AstroCoordSystem id="UTC-ICRS-GEO"/><AstroCoords>
<Time><TimeInstant><ISOTime>2026-01-01T00:00:00</ISOTime></TimeInstant></Time>
<Position2D unit="deg"><Value2><C1>10</C1><C2>20</C2></Value2><Error2Radius>${error}</Error2Radius></Position2D>
</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>${cites}</voe:VOEvent>`
}

export interface Listener {
  child: ChildProcess
  stderr(): string
  stdout(): string
  /** Resolves when a line of standard error matches. */
  says(pattern: RegExp): Promise<void>
  ended: Promise<number | null>
}

/** `voevent listen` as a process. */
export function startListener(cwd: string, settings: Record<string, string>, flags: readonly string[] = []): Listener {
  const sets = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const child = spawn(...commandLine('voevent', 'listen', '--output', 'out', ...flags, ...sets), { cwd })
  let [out, err] = ['', '']
  const waiting: { pattern: RegExp; done: () => void }[] = []
  child.stdout.on('data', (piece) => {
    out += piece
  })
  child.stderr.on('data', (piece) => {
    err += piece
    for (const one of waiting) if (one.pattern.test(err)) one.done()
  })
  return {
    child,
    stderr: () => err,
    stdout: () => out,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        if (pattern.test(err)) return resolve()
        const timer = setTimeout(() => reject(new Error(`never said ${pattern}:\n${err}`)), PATIENCE_MS)
        waiting.push({
          pattern,
          done: () => {
            clearTimeout(timer)
            resolve()
          },
        })
      }),
    ended: new Promise((resolve) => child.on('close', (code) => resolve(code))),
  }
}
