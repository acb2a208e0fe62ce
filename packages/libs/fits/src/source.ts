import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { explainSystemError } from '@nightpipe/files'
import { FitsError } from './errors.js'

/** The bytes of a file, read where they are asked for. */
export interface Source {
  readonly name: string
  readonly size: number
  /** Fills `into` from `offset`; throws where the file ends before. */
  read(offset: number, into: Uint8Array): void
  close(): void
}

export function bytesSource(name: string, bytes: Uint8Array): Source {
  return {
    name,
    size: bytes.length,
    read(offset, into) {
      if (offset + into.length > bytes.length) throw endsEarly(name, offset, into.length, bytes.length)
      into.set(bytes.subarray(offset, offset + into.length))
    },
    close() {},
  }
}

export function fileSource(name: string, path: string): Source {
  const fd = openRegular(name, path)
  const { size } = fstatSync(fd)
  let open = true
  return {
    name,
    size,
    read(offset, into) {
      if (!open) throw new RangeError(`${name} was closed`)
      for (let done = 0; done < into.length; ) {
        const got = readSync(fd, into, done, into.length - done, offset + done)
        if (got === 0) throw endsEarly(name, offset, into.length, offset + done)
        done += got
      }
    },
    close() {
      if (open) closeSync(fd)
      open = false
    },
  }
}

/** Asked before it is opened: opening a pipe would wait for its writer. */
function openRegular(name: string, path: string): number {
  try {
    if (statSync(path).isFile()) return openSync(path, 'r')
  } catch (cause) {
    throw explainSystemError(cause, 'read', name)
  }
  throw new FitsError({ file: name }, 'is not a file', 'give a FITS file, or a folder to a command that takes folders')
}

function endsEarly(name: string, offset: number, length: number, size: number): FitsError {
  return new FitsError({ file: name, byte: offset }, `${length} bytes wanted, the file ends at byte ${size}`)
}
