import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { DataError } from '@nightpipe/files'

/** What came of a command that was started as a process. */
export interface Ran {
  code: number
  /** Paths of its products, as it printed them. */
  products: string[]
  stderr: string
}

/** The executable of another command, found by its package. */
export function executableOf(name: string): string {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@nightpipe/${name}/package.json`)
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> }
    return join(dirname(manifest), bin[name]!)
  } catch (cause) {
    throw new DataError(`the command ${name} is not installed`, 'install it beside this one', { cause })
  }
}

/**
 * Starts another command of the toolkit as a process, as a person would at the shell, and waits for it. It is stopped
 * when `signal` is; any exit code is an answer, not an error.
 */
export async function runCommand(name: string, args: readonly string[], signal?: AbortSignal): Promise<Ran> {
  const { execa } = await import('execa')
  const options = { reject: false, stdin: 'ignore', cancelSignal: signal, forceKillAfterDelay: 2000 } as const
  const { exitCode, stdout, stderr } = await execa(process.execPath, [executableOf(name), ...args], options)
  return { code: exitCode ?? 130, products: String(stdout).split('\n').filter(Boolean), stderr: String(stderr) }
}
