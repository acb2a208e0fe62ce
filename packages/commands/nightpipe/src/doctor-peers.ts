import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Check } from './doctor.js'

/** Programs that nothing needs, and that scripts/bench and some tests compare with. */
const PROGRAMS = ['fitsverify', 'fpack', 'funpack', 'siril-cli', 'astarithmetic', 'source-extractor', 'SWarp', 'swarp']
const PYTHON_MODULES = ['astropy', 'ccdproc', 'astroscrappy', 'photutils']

export function findPeers(): Check[] {
  const present = [...new Set([...PROGRAMS.filter(isOnPath), ...pythonModules()])]
  const all = [...PROGRAMS.filter((name) => name !== 'SWarp'), ...PYTHON_MODULES]
  const absent = all.filter((name) => !present.some((one) => one.toLowerCase() === name))
  const found = [
    present.length ? `${present.join(', ')} present` : '',
    absent.length ? `${absent.join(', ')} absent` : '',
  ]
  return [{ what: 'optional peers', state: 'ok', found: `${found.filter(Boolean).join('; ')} (for comparisons only)` }]
}

function isOnPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}

/** Debian's Python first: it has the packages, where another one comes before it on the PATH. */
function pythonModules(): string[] {
  const code = `from importlib.util import find_spec as f; print(*[m for m in '${PYTHON_MODULES.join(' ')}'.split() if f(m)])`
  for (const python of ['/usr/bin/python3', 'python3']) {
    const { status, stdout } = spawnSync(python, ['-c', code], { encoding: 'utf8', timeout: 5000 })
    if (status === 0 && stdout.trim()) return stdout.trim().split(' ')
  }
  return []
}
