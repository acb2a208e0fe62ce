import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { explainSystemError, sha256OfFile } from '@nightpipe/files'
import { type Header, openFits, textOf } from '@nightpipe/fits'

/** How a parent is known: by the identity in our own product, or by the digest of its bytes. */
export interface Digest {
  id: string
  kind: 'np_id' | 'sha256'
}

/** Identities are cut to 128 bits: they fit in a FITS card with their comment. */
export const identityOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

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
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    const stamp = [dev, ino, size, mtimeNs, ctimeNs].join(' ')
    const before = known.get(path)
    if (before?.stamp === stamp) return before.digest
    const ours = productHeader(path)
    const id = ours && textOf(ours, 'NP_ID')
    const digest: Digest = id ? { id, kind: 'np_id' } : { id: sha256OfFile(path), kind: 'sha256' }
    known.set(path, { stamp, digest })
    return digest
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
}

/** The header that carries our cards: the first one, or the second where compression put an empty one before it. */
export function productHeader(path: string): Header | undefined {
  if (!looksLikeFits(path)) return undefined
  try {
    const file = openFits(path)
    try {
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
