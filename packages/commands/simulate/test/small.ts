import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadConfig, withCommon } from '@nightpipe/config'
import { node } from '@nightpipe/testing'
import { type Settings, schema } from '../src/imaging/schema.js'
import { makeStudio, type Studio } from '../src/imaging/studio.js'

export const BIN = fileURLToPath(new URL('../bundle/start.cjs', import.meta.url))

/** The night of the defaults, with some values changed. */
export function settingsOf(...set: string[]): { settings: Settings; studio: Studio } {
  const { values, profile } = loadConfig(withCommon(schema), { set })
  const settings = values as unknown as Settings
  return { settings, studio: makeStudio(settings, profile) }
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** The command as a person meets it. */
export function simulate(args: readonly string[], cwd?: string): Promise<Ended> {
  return finished(spawn(...node(BIN, ...args), { cwd }))
}

/** Another program, and what it printed; undefined when it is not installed. */
export async function program(command: string, args: readonly string[], cwd?: string): Promise<Ended | undefined> {
  try {
    return await finished(spawn(command, args, { cwd, env: { PATH: process.env.PATH, HOME: process.env.HOME } }))
  } catch {
    return undefined
  }
}

function finished(child: ReturnType<typeof spawn>): Promise<Ended> {
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]!.setEncoding('utf8').on('data', (piece: string) => {
      text[stream] += piece
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...text }))
  })
}

/** SHA-256 of every file below a folder, by its path; the report, which tells seconds, is left out. */
export function digestsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  return Object.fromEntries(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.endsWith('simulate.csv'))
      .sort()
      .map((path) => [path.slice(folder.length + 1), digest(path)]),
  )
}

/** Mean and variance. */
export function statistics(values: Iterable<number>): { mean: number; variance: number; count: number } {
  let [mean, squares, count] = [0, 0, 0]
  for (const value of values) {
    count++
    const d = value - mean
    mean += d / count
    squares += d * (value - mean)
  }
  return { mean, variance: squares / (count - 1), count }
}

/** A night of 6 frames of 64x48 pixels: bias 1, dark 2, flats 3 and 4, science frames 5 and 6. */
export const SMALL = [
  ...['detector.width=64', 'detector.height=48', 'bias.count=1', 'dark.count=1', 'dark.exposures=30', 'flat.count=1'],
  ...['flat.saturated=0', 'field.frames=1', 'field.stars=15', 'cosmic rays.rate=20000', 'detector.hot pixels=0.01'],
].flatMap((set) => ['--set', set])

/** That night, with some values changed, in a folder of `cwd`. */
export const makeSmall = (cwd: string, folder: string, ...args: string[]) =>
  simulate(['imaging', '--output', folder, '--quiet', '--workers', '1', ...SMALL, ...args], cwd)

export const lines = (text: string) => text.split('\n').filter(Boolean)
