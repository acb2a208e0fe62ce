import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { node } from '@nightpipe/testing'

export type Toy = 'copy-frames' | 'add-frames' | 'make-frames' | 'host'

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  cwd?: string
  stdin?: string
  /** run as this user, to meet permissions */
  uid?: number
  started?: (child: ChildProcess) => void
}

export const bundleOf = (toy: Toy) => fileURLToPath(new URL(`../../bundles/${toy}/start.cjs`, import.meta.url))

/** The toy as a person meets it: a process. */
export function run(toy: Toy, args: readonly string[], { cwd, stdin, uid, started }: RunOptions = {}): Promise<Ended> {
  const child = spawn(...node(bundleOf(toy), ...args), { cwd, ...(uid && { uid }) })
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (piece: string) => {
      text[stream] += piece
    })
  }
  child.stdin.on('error', () => {}) // it may have ended without reading
  child.stdin.end(stdin ?? '')
  started?.(child)
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...text })))
}

/** Frames of 16 bits with a level and some noise, the same for the same name and size. */
export function makeFrames(folder: string, stems: readonly string[], size = 32): string[] {
  mkdirSync(folder, { recursive: true })
  return stems.map((stem) => {
    const noise = random(stem.length + stem.charCodeAt(stem.length - 1))
    const pixels = Int16Array.from({ length: size * size }, () => 1000 + 10 * noise.normal())
    const path = join(folder, `${stem}.fits`)
    writeFileSync(path, encodeFits([{ kind: 'image', bitpix: 16, axes: [size, size], pixels }]))
    return path
  })
}

/** Six frames that are large enough together to be worth threads. */
export const makeNight = (folder: string, count = 6) =>
  makeFrames(
    folder,
    Array.from({ length: count }, (_, k) => `m67-${k}`),
    700,
  )

export const linesOf = (text: string) => text.split('\n').filter(Boolean)

/** The report of a toy as rows by column. */
export function reportOf(folder: string, toy: Toy = 'copy-frames'): Record<string, string>[] {
  const [head, ...rows] = linesOf(readFileSync(join(folder, `${toy}.csv`), 'utf8')).map((line) => line.split(','))
  return rows.map((cells) => Object.fromEntries(head!.map((name, k) => [name, cells[k] ?? ''])))
}

/** Every file below a folder, hidden ones too, with the digest of its bytes. */
export function contentOf(folder: string, choose = (_name: string) => true): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && choose(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  return Object.fromEntries(names.map((path) => [path.slice(folder.length + 1), digest(path)]))
}

export const isProduct = (name: string) => /\.(fits|fz)$/.test(name)
/** Files that a process left in the middle. */
export const litterIn = (folder: string) => Object.keys(contentOf(folder, (name) => name.startsWith('.')))
export const sleep = (ms: number) => new Promise<void>((go) => setTimeout(go, ms))
