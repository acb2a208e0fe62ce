import { createHash } from 'node:crypto'
import { createWriteStream, rmSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { MultipartFile } from '@fastify/multipart'
import type { Store } from '@nightpipe/store'
import { Refusal } from './refusal.js'

/** A file that came in: on disk, not yet looked at. */
export interface Received {
  path: string
  name: string
  size: number
  sha256: string
}

/** Names are labels, never paths: one that tries to be a path is refused. */
export function safeName(name: string | undefined): string {
  const given = name ?? ''
  const bad = given === '' || given.length > 200 || /[/\\\p{Cc}]/u.test(given) || given.startsWith('.')
  if (bad) throw new Refusal(400, `'${given.slice(0, 60).replace(/\p{Cc}/gu, '?')}' is no name of a file`)
  return given
}

/** Writes what comes to a file of its own; a file that is larger than allowed is broken off. */
export async function receive(part: MultipartFile, store: Store): Promise<Received> {
  const path = store.incoming()
  const hash = createHash('sha256')
  let size = 0
  try {
    const name = safeName(part.filename)
    await pipeline(
      part.file,
      async function* count(pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          hash.update(piece)
          size += piece.length
          yield piece
        }
      },
      createWriteStream(path),
    )
    if (part.file.truncated) throw new Refusal(413, 'the file is larger than this store takes')
    if (size === 0) throw new Refusal(422, 'the file is empty')
    return { path, name, size, sha256: hash.digest('hex') }
  } catch (error) {
    part.file.resume()
    rmSync(path, { force: true })
    throw error
  }
}
