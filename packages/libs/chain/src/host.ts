import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Host, openHost, runCommand } from '@nightpipe/command'

export type ChainHost = Host

/**
 * The commands of the chain in one process, as docs/decisions/0084 says why; those that it does not hold, and all where it
 * was not built, as processes of their own.
 */
export function openChainHost(): ChainHost {
  const manifest = createRequire(import.meta.url).resolve('@nightpipe/chain/package.json')
  const program = join(dirname(manifest), 'dist', 'host', 'start.cjs')
  const { host: names } = JSON.parse(readFileSync(manifest, 'utf8')) as { host: string[] }
  const held = new Set(existsSync(program) ? names : [])
  const host = openHost(program)
  return {
    run: (command, args, signal) => (held.has(command) ? host.run : runCommand)(command, args, signal),
    close: host.close,
  }
}
