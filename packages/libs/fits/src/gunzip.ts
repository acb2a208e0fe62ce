import { constants, gunzipSync } from 'node:zlib'
import { FitsError } from './errors.js'
import { describeForeign } from './sniff.js'
import { bytesSource, type Source } from './source.js'

/** A .gz is inflated in memory: larger ones are refused, whether honest or made to fill the machine. */
const LARGEST = 400 * 2 ** 20
/** Deflate cannot do better than 1032 bytes from one. */
const BEST_RATIO = 1032

/** The inflated bytes of a whole-file gzip, after a look at its beginning. */
export function gunzipSource(packed: Source): Source {
  const { name, size } = packed
  const bytes = new Uint8Array(checkedSize(packed))
  packed.read(0, bytes)
  const start = inflate(name, bytes.subarray(0, 4096), LARGEST, true)
  if (!startsAsFits(start)) {
    const { what, advice } = describeForeign(start, start.length)
    throw new FitsError({ file: name }, `inside the gzip: ${what}`, advice)
  }
  return bytesSource(name, inflate(name, bytes, Math.min(LARGEST, size * BEST_RATIO + 1024), false))
}

export function startsAsFits(start: Uint8Array): boolean {
  return Buffer.from(start.buffer, start.byteOffset, Math.min(10, start.length)).toString('latin1') === 'SIMPLE  = '
}

function checkedSize({ name, size }: Source): number {
  if (size <= LARGEST) return size
  throw new FitsError(
    { file: name },
    `a gzip of ${size} bytes is too large to inflate in memory`,
    'run gunzip on it first',
  )
}

function inflate(name: string, bytes: Uint8Array, limit: number, partly: boolean): Uint8Array {
  // The last four bytes give the inflated size (of the last member): one chunk of it saves a copy.
  const promised =
    bytes.length < 18 ? 0 : new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4).getUint32(0, true)
  const chunkSize = partly ? 65536 : Math.max(65536, Math.min(promised + 1, limit))
  try {
    return gunzipSync(bytes, {
      maxOutputLength: limit,
      chunkSize,
      ...(partly && { finishFlush: constants.Z_SYNC_FLUSH }),
    })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new FitsError({ file: name }, `the gzip inflates to more than ${limit} bytes`, 'run gunzip on it first')
    }
    throw new FitsError({ file: name }, `the gzip is damaged: ${message}`, 'copy it again', { cause })
  }
}
