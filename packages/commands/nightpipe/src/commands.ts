import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataError } from '@nightpipe/files'

/** An executable of the toolkit. */
export interface Executable {
  name: string
  /** one line; the test of the manual keeps it equal to what the command says of itself */
  summary: string
  /** the file to start with Node */
  bin: string
}

interface Manifest {
  name: string
  version: string
  description?: string
  bin?: Record<string, string>
  dependencies?: Record<string, string>
}

const require = createRequire(import.meta.url)
// The same place from dist/bundle/start.cjs and from dist/src/commands.js.
export const home = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const manifestAt = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Manifest

export const version = () => manifestAt(join(home, 'package.json')).version

/** All commands that came with this front door, by name. They are found by their packages, and never imported. */
export function executables(): Executable[] {
  const names = Object.keys(manifestAt(join(home, 'package.json')).dependencies ?? {})
  const found: Executable[] = []
  for (const name of names.filter((name) => name.startsWith('@nightpipe/'))) {
    const manifest = pathOfManifest(name)
    if (!manifest) continue
    for (const [command, bin] of Object.entries(manifestAt(manifest).bin ?? {})) {
      found.push({ name: command, summary: manifestAt(manifest).description ?? '', bin: join(dirname(manifest), bin) })
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Libraries do not show their package.json: only what does can be a command. */
function pathOfManifest(name: string): string | undefined {
  try {
    return require.resolve(`${name}/package.json`)
  } catch {
    return undefined
  }
}

export function executable(name: string): Executable {
  const found = executables().find((one) => one.name === name)
  if (!found) throw new DataError(`the command ${name} is not installed`, 'nightpipe list shows those that are')
  return found
}
