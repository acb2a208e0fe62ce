import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DataError } from '@nightpipe/command'
import { sha256OfFile, writeAtomically } from '@nightpipe/files'
import type { Difference } from './differences.js'
import type { OldProduct } from './old-products.js'

/** What a person approves: the products, and everything that the report shows of them, by their digests. */
export interface Seal {
  burst: string
  observation: string
  store: string
  /** MY_VERS of the new products */
  processing: number
  version: string
  differences: Record<Difference['state'], number>
  replaces: Pick<OldProduct, 'card' | 'id' | 'version' | 'sha256' | 'file'>[]
  /** below the output folder, with forward slashes, to SHA-256 */
  files: Record<string, string>
}

export const SEAL = 'reprocess.json'
/** Folders and files that the seal closes. */
const SEALED = ['old', 'new', 'pictures', 'differences.csv', 'differences.json', 'index.html']

/** Everything there is under the seal: also what should not be there. */
function sealedFiles(output: string): string[] {
  return SEALED.flatMap((name) => {
    const path = join(output, name)
    if (!existsSync(path)) return []
    if (/\.\w+$/.test(name)) return [path]
    const entries = readdirSync(path, { withFileTypes: true, recursive: true })
    return entries
      .filter((entry) => entry.isFile() && /\.(fits|png)$/.test(entry.name) && !entry.name.startsWith('.'))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  }).sort()
}

const digestsOf = (output: string): Record<string, string> =>
  Object.fromEntries(sealedFiles(output).map((path) => [relative(output, path), sha256OfFile(path)]))

export function writeSeal(output: string, facts: Omit<Seal, 'files'>): Seal {
  const seal = { ...facts, files: digestsOf(output) }
  writeAtomically(join(output, SEAL), `${JSON.stringify(seal, null, 2)}\n`)
  return seal
}

export function readSeal(output: string): Seal {
  const path = join(output, SEAL)
  if (!existsSync(path)) throw new DataError(`${output} holds no report to approve`, 'run reprocess into it first')
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Seal
  } catch (error) {
    throw new DataError(`${path} is damaged: ${(error as Error).message}`, 'run reprocess again')
  }
}

/** What is no longer as it was when the report was made. */
export function brokenSeals(output: string, { files }: Seal): string[] {
  const now = digestsOf(output)
  const names = [...new Set([...Object.keys(files), ...Object.keys(now)])].sort()
  return names.flatMap((name) => {
    if (files[name] === now[name]) return []
    if (now[name] === undefined) return [`${name} is gone`]
    return [files[name] === undefined ? `${name} is new` : `${name} has changed`]
  })
}
