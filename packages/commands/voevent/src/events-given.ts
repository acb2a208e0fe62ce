import { readFileSync, readSync, statSync } from 'node:fs'
import { MOST_BYTES } from '@nightpipe/alerts'
import type { Request } from '@nightpipe/command'
import { DataError, explainSystemError, systemCode } from '@nightpipe/files'

/** An event as bytes, and what messages call it. */
export interface GivenEvent {
  name: string
  read(): Uint8Array
}

/** The files that --input names, or the one event on standard input where there is no --input. */
export function eventsGiven({ inputs }: Pick<Request, 'inputs'>, asked: boolean): GivenEvent[] {
  if (inputs.length || asked)
    return inputs.map(({ path, shown }) => ({ name: shown, read: () => readWithin(path, shown) }))
  return [{ name: 'standard input', read: () => readWithin(0, 'standard input') }]
}

/** At most as much as an event may be: a gigabyte is not read to be refused. */
function readWithin(source: string | number, name: string): Uint8Array {
  try {
    if (typeof source === 'string') {
      const { size } = statSync(source)
      if (size > MOST_BYTES) throw new DataError(`${name}: ${size} bytes, more than the ${MOST_BYTES} of an event`)
      return readFileSync(source)
    }
    return fromPipe(source, name)
  } catch (error) {
    throw explainSystemError(error, 'read', name)
  }
}

function fromPipe(descriptor: number, name: string): Uint8Array {
  const pieces: Uint8Array[] = []
  const piece = Buffer.alloc(65536)
  let total = 0
  for (;;) {
    const got = readSome(descriptor, piece)
    if (got === 0) return Buffer.concat(pieces)
    total += got
    if (total > MOST_BYTES) throw new DataError(`${name}: more than the ${MOST_BYTES} bytes of an event`)
    pieces.push(Uint8Array.prototype.slice.call(piece, 0, got))
  }
}

/** Waits where the writer of the pipe has made it one that does not. */
function readSome(descriptor: number, piece: Uint8Array): number {
  for (;;) {
    try {
      return readSync(descriptor, piece, 0, piece.length, null)
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}
