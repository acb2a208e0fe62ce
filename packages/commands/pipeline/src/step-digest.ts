import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { digestOf } from '@nightpipe/command'
import type { Step } from './plan.js'

const sha = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** The paths in a list; none where it does not exist. */
export const pathsIn = (list: string): string[] =>
  existsSync(list) ? readFileSync(list, 'utf8').split('\n').filter(Boolean) : []

/** What a step takes as inputs. */
export const inputsOf = (step: Step): string[] => step.frames ?? [...new Set(step.lists.flatMap(pathsIn))].sort()

/**
 * The digest of everything that a step reads: its inputs, and the masters, catalogues and templates that its
 * configuration names. `known` has the digests of raw frames.
 */
export function inputsDigest(step: Step, inputs: readonly string[], known: ReadonlyMap<string, string>): string {
  const lines = inputs.map((path) => `input ${basename(path)} ${known.get(path) ?? digestIfAny(path)}`)
  const read = [...new Set([...step.module.paths, ...step.reads])].filter((path) => existsSync(path))
  return sha([...lines, ...read.map(contentOf)].sort().join('\n'))
}

/** Of the configuration, with what this step alone sets (without the folders, which may move). */
export const configDigest = ({ module, set }: Step) =>
  sha([module.digest, ...set.map((text) => text.replace(/=.*\//, '='))].join('\n'))

function digestIfAny(path: string): string {
  try {
    return digestOf(path)
  } catch {
    return 'gone'
  }
}

/** A file by its identity; a folder by its frames and tables. Reports tell times, and are left out. */
function contentOf(path: string): string {
  if (!statSync(path).isDirectory()) return `file ${basename(path)} ${digestIfAny(path)}`
  const entries = readdirSync(path, { withFileTypes: true, recursive: true })
  const files = entries.filter(
    (entry) => entry.isFile() && !entry.name.startsWith('.') && /\.(fits?|fz|csv)$/i.test(entry.name),
  )
  const lines = files
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !/(stack-calibrations|findstars|\.digests)\.csv$/.test(file))
    .map((file) => `${file.slice(path.length)} ${small(file) ? digestIfAny(file) : stamp(file)}`)
  return `folder ${lines.sort().join('\n')}`
}

/** Products tell their identity in the header; the tiles of a large catalogue are not read for this. */
const small = (file: string) => /\.(fits?|fz)$/i.test(file) || statSync(file).size < 2 ** 20
function stamp(file: string): string {
  const { size, mtimeMs } = statSync(file)
  return `${size}-${mtimeMs}`
}
