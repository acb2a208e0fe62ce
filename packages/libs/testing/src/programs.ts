import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { executable, REPOSITORY } from './places.js'

/** A program and its arguments, in the form that `spawn` and `spawnSync` take: `spawn(...node('a.mjs'), options)`. */
export type Line = [program: string, args: string[]]

/** How a program ended. */
export interface Called {
  /** Its exit code, or null when a signal ended it. */
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export type Surroundings = Pick<
  SpawnSyncOptions,
  'cwd' | 'env' | 'input' | 'timeout' | 'maxBuffer' | 'killSignal' | 'uid'
>

/**
 * A program without what the test runner puts into the environment of all that a test starts: its hooks make every Node
 * slow to start, and some cannot load files that have no extension.
 */
export const outside = (program: string, ...args: string[]): Line => [
  'env',
  ['-u', 'NODE_OPTIONS', '-u', 'NODE_EXTRA_CA_CERTS', program, ...args],
]

/** A script, or what else this Node is asked to run. */
export const node = (...args: string[]): Line => outside(process.execPath, ...args)

/** A command of the project. */
export const commandLine = (name: string, ...args: string[]): Line => node(executable(name), ...args)

/** Runs a program to its end. */
export function finish([program, args]: Line, surroundings: Surroundings = {}): Called {
  const done = spawnSync(program, args, { maxBuffer: 1e9, ...surroundings, encoding: 'utf8' })
  const hasRun = done.status !== null || done.signal !== null
  if (done.error && !hasRun) throw done.error
  return { status: done.status, signal: done.signal, stdout: done.stdout, stderr: done.stderr }
}

/** Runs a command of the project as a person does. */
export const call = (name: string, args: readonly string[], surroundings?: Surroundings): Called =>
  finish(commandLine(name, ...args), surroundings)

/** The environment of a person whose shell finds the commands of the project. */
export const shellEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${join(REPOSITORY, 'node_modules/.bin')}:${process.env.PATH}`,
})
