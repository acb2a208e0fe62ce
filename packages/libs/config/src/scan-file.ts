import { readFileSync } from 'node:fs'
import { ConfigError } from '@nightpipe/files'
import { type Scan, scanIni } from './scan.js'

/** Scans an INI file; that it cannot be read is a problem like any other. */
export function scanFile(path: string): Scan {
  try {
    return scanIni(readFileSync(path, 'utf8'), path)
  } catch (error) {
    const reasons: Record<string, string> = { ENOENT: 'no such file', EISDIR: 'is a folder', EACCES: 'may not be read' }
    const code = (error as NodeJS.ErrnoException).code ?? ''
    throw new ConfigError(`${path}: ${reasons[code] ?? (error as Error).message}`, undefined, { cause: error })
  }
}
