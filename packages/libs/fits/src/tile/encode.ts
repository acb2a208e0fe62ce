import { allocate, kernels } from '@nightpipe/kernels'
import { TileError } from './error.js'
import { gzipTile, shuffle } from './gzip.js'
import { encodeHcompress } from './hcompress.js'
import { type TileIntegers, widened } from './integers.js'
import type { Algorithm } from './layout.js'
import { encodePlio } from './plio.js'
import type { Settled } from './write.js'

/**
 * The integers of one tile compressed. They lie in kernel memory, and
 * so does what is returned: encode within `scoped`.
 */
export function encodeIntegers(settled: Settled, values: TileIntegers, size: number[], bitpix: number): Uint8Array {
  switch (settled.type) {
    case 'RICE_1':
      return encodeRice(values, settled.blockSize)
    case 'PLIO_1':
      return encodeLineList(values, settled.offset)
    case 'HCOMPRESS_1':
      return encodeHcompress(widened(values), size, bitpix, settled.scale)
    default:
      return encodeBytes(settled.type, bigEndian(values), values.BYTES_PER_ELEMENT)
  }
}

/** Pixels, big-endian as in the uncompressed file, gzipped or as they are. */
export function encodeBytes(algorithm: Algorithm, bytes: Uint8Array, width: number): Uint8Array {
  if (algorithm === 'GZIP_1') return gzipTile(bytes)
  if (algorithm === 'GZIP_2') return gzipTile(shuffle(bytes, width))
  if (algorithm === 'NOCOMPRESS') return bytes
  throw new TileError(`${algorithm} cannot hold these pixels without loss`)
}

/** Room that the Rice codes of n pixels of `size` bytes never exceed. */
function riceRoom(n: number, size: number, block: number): number {
  return n * (size + 1) + 2 * Math.ceil(n / block) + 64
}

function encodeRice(values: TileIntegers, blockSize: number): Uint8Array {
  return encodeRiceTiles(values, values.length, blockSize).bytes
}

/** Rice codes of tiles of `pixels` pixels that lie one behind the other. In kernel memory, like the result. */
export function encodeRiceTiles(
  values: TileIntegers,
  pixels: number,
  blockSize: number,
): { bytes: Uint8Array; lengths: Int32Array } {
  const size = values.BYTES_PER_ELEMENT
  const block = Math.min(blockSize, pixels)
  const tiles = values.length / pixels
  const codes = allocate(Uint8Array, pixels * size)
  const out = allocate(Uint8Array, tiles * riceRoom(pixels, size, block))
  const lengths = allocate(Int32Array, tiles)
  const targets = [codes.byteOffset, out.byteOffset, lengths.byteOffset] as const
  const bytes = kernels().riceEncodeTiles(values.byteOffset, tiles, pixels, block, size, ...targets)
  return { bytes: out.subarray(0, bytes), lengths }
}

function encodeLineList(values: TileIntegers, offset: number): Uint8Array {
  const words = encodePlio(offset === 0 ? values : Int32Array.from(values, (value) => value + offset))
  const copy = allocate(Int16Array, words.length)
  copy.set(words)
  kernels().swap16(copy.byteOffset, copy.byteOffset, copy.length)
  return new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength)
}

function bigEndian(values: TileIntegers): Uint8Array {
  const { swap16, swap32 } = kernels()
  const bytes = allocate(Uint8Array, values.byteLength)
  if (values instanceof Uint8Array) bytes.set(values)
  else if (values instanceof Int16Array) swap16(values.byteOffset, bytes.byteOffset, values.length)
  else swap32(values.byteOffset, bytes.byteOffset, values.length)
  return bytes
}
