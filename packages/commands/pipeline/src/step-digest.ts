import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { digestOf } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import type { Step } from './step.js'

const sha = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** The paths in a list; none where it does not exist. */
export const pathsIn = (list: string): string[] =>
  existsSync(list) ? readFileSync(list, 'utf8').split('\n').filter(Boolean) : []

/** What a step takes as inputs. */
export const inputsOf = (step: Step): string[] => step.frames ?? [...new Set(step.lists.flatMap(pathsIn))].sort()

/** What a step is made of: its inputs, what else it reads, and its configuration, each with its digest. */
export interface StepDigests {
  /** path of each input to its digest */
  inputs: ReadonlyMap<string, string>
  /** masters, catalogues and templates that its configuration names */
  reads: string
  config: string
  /** of inputs and reads: what the ledger keeps */
  all: string
}

/** `known` has the digests of raw frames. */
export function digestsOf(step: Step, paths: readonly string[], known: ReadonlyMap<string, string>): StepDigests {
  const inputs = new Map(paths.map((path) => [path, known.get(path) ?? digestIfAny(path)]))
  const read = [...new Set([...step.module.paths, ...step.reads])].filter((path) => existsSync(path))
  const reads = sha(read.map(contentOf).sort().join('\n'))
  const lines = [...inputs].map(([path, digest]) => `${basename(path)} ${digest}`)
  // Of what this step alone sets, without the folders, which may move.
  const set = step.set.map((text) => text.replace(/=.*\//, '='))
  const config = sha([step.module.digest, step.depends ?? '', ...set].join('\n'))
  return { inputs, reads, config, all: sha([...lines.sort(), reads].join('\n')) }
}

const memoryPath = (step: Step) => step.made.replace(/\.list$/, '.inputs')

/** Remembers what a step was made of, input by input. */
export function rememberInputs(step: Step, { inputs, reads, config, all }: StepDigests): void {
  const lines = [...inputs].map(([path, digest]) => `${digest} ${path}\n`)
  writeAtomically(memoryPath(step), [`all ${all}\n`, `reads ${reads}\n`, `config ${config}\n`, ...lines].join(''))
}

/**
 * The inputs that have come since the step was last done, where nothing else has changed: undefined when it must be
 * done as a whole.
 */
export function newInputs(step: Step, now: StepDigests, doneOn: string | undefined): string[] | undefined {
  const path = memoryPath(step)
  if (!step.alone || doneOn === undefined || !existsSync(path)) return undefined
  const [all, reads, config, ...lines] = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  if (all !== `all ${doneOn}` || reads !== `reads ${now.reads}` || config !== `config ${now.config}`) return undefined
  const before = new Map(lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]))
  for (const [input, digest] of before) if (now.inputs.get(input) !== digest) return undefined
  return [...now.inputs.keys()].filter((input) => !before.has(input))
}

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
