import { createHash, webcrypto } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { explainSystemError, sha256OfFile } from '@nightpipe/files'
import { type Header, openFits, textOf } from '@nightpipe/fits'

/** How a parent is known: by the identity in our own product, or by the digest of its bytes. */
export interface Digest {
  id: string
  kind: 'np_id' | 'sha256'
}

/** Identities are cut to 128 bits: they fit in a FITS card with their comment. */
export const identityOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

/** EXTNAME of the table that ends every product. */
export const PROVENANCE = 'PROVENANCE'

interface Known {
  stamp: string
  digest: Digest
}
const known = new Map<string, Known>()

/** NP_ID of one of our products, else SHA-256 of the bytes. Known as long as the file is not touched. */
export function digestOf(path: string): string {
  return fileDigest(path).id
}

export function fileDigest(path: string): Digest {
  try {
    const stamp = stampOf(path)
    const before = known.get(path)
    if (before?.stamp === stamp) return before.digest
    const digest = identityIn(path) ?? { id: sha256OfFile(path), kind: 'sha256' }
    known.set(path, { stamp, digest })
    return digest
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
}

/** Changes with every write, rename or copy of a file. */
function stampOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

function identityIn(path: string): Digest | undefined {
  const ours = productHeader(path)
  const id = ours && textOf(ours, 'NP_ID')
  return id ? { id, kind: 'np_id' } : undefined
}

/** Larger files are digested by pieces when their turn comes. */
const MOST_AT_ONCE = 256 * 2 ** 20

/**
 * Digests files in the background threads of Node, `count` at a time, so that this thread goes on meanwhile and
 * `fileDigest` then knows the answer. What cannot be read is left to whoever needs it.
 */
export async function prefetchDigests(paths: readonly string[], count: number, signal: AbortSignal): Promise<void> {
  const waiting = [...new Set(paths)]
  const line = async () => {
    for (let path = waiting.shift(); path !== undefined && !signal.aborted; path = waiting.shift()) {
      try {
        await prefetch(path)
      } catch {
        // Gone or unreadable: the job that needs it says so.
      }
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, count) }, line))
}

async function prefetch(path: string): Promise<void> {
  const stamp = stampOf(path)
  if (known.get(path)?.stamp === stamp || statSync(path).size > MOST_AT_ONCE) return
  const identity = identityIn(path)
  const bytes = identity ? undefined : await readFile(path)
  const id = bytes && Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex')
  known.set(path, { stamp, digest: identity ?? { id: id!, kind: 'sha256' } })
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
