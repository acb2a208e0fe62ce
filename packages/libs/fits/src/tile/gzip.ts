import { gunzipSync, gzipSync } from 'node:zlib'
import { TileError } from './error.js'

/** Inflates a tile of `pixels` pixels; one that inflates to more than `most` bytes is refused before it fills memory. */
export function gunzipTile(bytes: Uint8Array, most: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(1, most) })
  } catch (cause) {
    const code = (cause as { code?: string }).code
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new TileError(`gzip data of more than ${most} bytes`)
    throw new TileError(`gzip data: ${(cause as Error).message}`)
  }
}

/** Compresses a tile. The header is made constant (no time, unknown system), so that the same tile gives the same bytes. */
export function gzipTile(bytes: Uint8Array): Uint8Array {
  const packed = gzipSync(bytes, { level: 1 })
  packed[9] = 255
  return packed
}

/** GZIP_2: the first bytes of all pixels come first, then all the second ones. Undoes that. */
export function unshuffle(shuffled: Uint8Array, width: number): Uint8Array {
  if (width === 1) return shuffled
  const count = Math.floor(shuffled.length / width)
  const out = new Uint8Array(shuffled.length)
  for (let k = 0; k < width; k++) {
    for (let i = 0, from = k * count, to = k; i < count; i++, from++, to += width) out[to] = shuffled[from]
  }
  return out
}

export function shuffle(plain: Uint8Array, width: number): Uint8Array {
  if (width === 1) return plain
  const count = Math.floor(plain.length / width)
  const out = new Uint8Array(plain.length)
  for (let k = 0; k < width; k++) {
    for (let i = 0, from = k, to = k * count; i < count; i++, from += width, to++) out[to] = plain[from]
  }
  return out
}
