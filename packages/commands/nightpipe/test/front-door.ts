import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package, seen from dist/test. */
export const home = fileURLToPath(new URL('../..', import.meta.url))

/** Runs `nightpipe` as a person would. */
export function nightpipe(args: readonly string[], options: SpawnSyncOptions = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(home, 'bin/nightpipe.js'), ...args], {
    ...options,
    encoding: 'utf8',
  })
  return { code: status, signal, stdout: String(stdout), stderr: String(stderr) }
}
