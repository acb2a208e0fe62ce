import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError, type Request } from '@nightpipe/command'
import type { FrameFacts } from '@nightpipe/config'
import type { Traces } from '@nightpipe/spectra'
import { readTraces } from '@nightpipe/spectrographs'
import type { ExtractSchema } from './schema.js'

export interface Calibrations {
  traces: Traces
  tracesPath: string
  flats: string[]
}

/** Who tells which traces and flats a frame gets: the flags. */
export function calibrationsOf(request: Request<ExtractSchema>): (facts: FrameFacts, shown: string) => Calibrations {
  const { traces, flat = [] } = request.flags
  if (typeof traces !== 'string') {
    throw new ConfigError('no traces', 'give --traces FILE (trace0 and trace-refine make it)')
  }
  const tracesPath = existing(traces, '--traces')
  const flats = (flat as string[]).map((path) => existing(path, '--flat'))
  const read = readTraces(tracesPath)
  return () => ({ traces: read, tracesPath, flats })
}

function existing(path: string, flag: string): string {
  if (!existsSync(path)) throw new ConfigError(`${flag} ${path}: no such file`, 'check the path')
  return resolve(path)
}
