import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { explainSystemError } from './errors.js'

/** Small enough to stay in the processor's cache between reading and digesting. */
const PIECE = 1 << 18

/** SHA-256 of the bytes of a file, in hexadecimal; read in pieces, so that its size does not matter. */
export function sha256OfFile(path: string): string {
  try {
    const hash = createHash('sha256')
    const file = openSync(path, 'r')
    try {
      const piece = Buffer.allocUnsafe(PIECE)
      for (let n = readSync(file, piece); n > 0; n = readSync(file, piece)) hash.update(piece.subarray(0, n))
    } finally {
      closeSync(file)
    }
    return hash.digest('hex')
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
}
