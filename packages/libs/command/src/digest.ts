import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { explainSystemError, sha256OfFile } from '@nightpipe/files'
import { type Hdu, type Header, openFits, textOf, type Watch, watchWhole } from '@nightpipe/fits'
import { beforeNextRun, runMemory } from './run-memory.js'

/** How a parent is known: by the identity in our own product, or by the digest of its bytes. */
export interface Digest {
  id: string
  kind: 'np_id' | 'sha256'
}

/** Identities are cut to 128 bits: they fit in a FITS card with their comment. */
export const identityOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

/** EXTNAME of the table that ends every product. */
export const PROVENANCE = 'PROVENANCE'

/** A digest, and how to tell that the file is still the same. */
export interface Known {
  digest: Digest
  /** changes with every write, rename or copy of the file */
  stamp: string
  bytes: number
  /** made in this run */
  fresh: boolean
}
const known = runMemory<string, Known>()

export const remember = (path: string, what: Known) => known.set(path, what)
/** What is known of some files: threads tell each other. */
export const knownDigests = (paths: readonly string[]): [string, Known][] =>
  paths.flatMap((path) => (known.has(path) ? [[path, known.get(path)!] as [string, Known]] : []))
/** The files whose digest nobody made yet. */
export const unknownDigests = (paths: readonly string[]) => [...new Set(paths)].filter((path) => !known.has(path))
/** Digests of bytes that this run made. */
export const freshDigests = (): [string, Known][] =>
  [...known].filter(([, { fresh, digest }]) => fresh && digest.kind === 'sha256')

/** NP_ID of one of our products, else SHA-256 of the bytes. Known as long as the file is not touched. */
export function digestOf(path: string): string {
  return fileDigest(path).id
}

export function fileDigest(path: string): Digest {
  try {
    const { stamp, bytes } = stampOf(path)
    const before = known.get(path)
    if (before?.stamp === stamp) return before.digest
    const digest = identityIn(path) ?? { id: sha256OfFile(path), kind: 'sha256' }
    learn(path, { stamp, bytes, digest, fresh: true })
    return digest
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
}

/** What this thread has found since it was last asked: for the others. */
const news: [string, Known][] = []
beforeNextRun(() => news.splice(0))
export const takeNews = () => news.splice(0)

function learn(path: string, what: Known): void {
  remember(path, what)
  news.push([path, what])
}

/**
 * `watchWhole` for an image of the file `path`, and the digest of the file by the same reading: of a raw frame, which is
 * read as a whole for both.
 */
export function watchWholeAndDigest(path: string, hdu: Hdu): Watch {
  const { stamp, bytes } = stampOf(path)
  if (known.get(path)?.stamp === stamp || !looksLikeFits(path) || identityIn(path)) return watchWhole(hdu)
  const hash = createHash('sha256')
  const { end, ...whileRead } = watchWhole(hdu, (part) => hash.update(part))
  return {
    ...whileRead,
    end() {
      const whole = end()
      // Written to meanwhile, it is another file: whoever needs its digest reads it again.
      if (stampOf(path).stamp === stamp) {
        learn(path, { stamp, bytes, digest: { id: hash.digest('hex'), kind: 'sha256' }, fresh: true })
      }
      return whole
    },
  }
}

/** The same for an image that is not read otherwise. */
export const requireWholeAndDigest = (path: string, hdu: Hdu): boolean => watchWholeAndDigest(path, hdu).end()

function stampOf(path: string): { stamp: string; bytes: number } {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    return { stamp: [dev, ino, mtimeNs, ctimeNs].join('-'), bytes: Number(size) }
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
}

function identityIn(path: string): Digest | undefined {
  const ours = productHeader(path)
  const id = ours && textOf(ours, 'NP_ID')
  return id ? { id, kind: 'np_id' } : undefined
}

/** Digests a file ahead of its need; one that cannot be read is left to whoever needs it. */
export function digestAhead(path: string): Known | undefined {
  try {
    fileDigest(path)
  } catch {
    // Gone or unreadable: the job that needs it says so.
  }
  return known.get(path)
}

/** The header that carries our cards: the first one, or the second where compression put an empty one before it. */
export function productHeader(path: string): Header | undefined {
  if (!looksLikeFits(path)) return undefined
  try {
    const file = openFits(path)
    try {
      // Without its end the file is not what we wrote, whatever its header says.
      if (!file.hdus.some((hdu) => hdu.name === PROVENANCE)) return undefined
      return file.hdus.slice(0, 2).find((hdu) => textOf(hdu.header, 'NP_ID'))?.header
    } finally {
      file.close()
    }
  } catch {
    return undefined // damaged: whoever reads its pixels says so, here it is some bytes
  }
}

/** A file compressed as a whole is not inflated for this: our products are compressed by tiles. */
function looksLikeFits(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const start = Buffer.alloc(9)
    return readSync(file, start, 0, 9, 0) === 9 && start.toString('latin1') === 'SIMPLE  ='
  } finally {
    closeSync(file)
  }
}
