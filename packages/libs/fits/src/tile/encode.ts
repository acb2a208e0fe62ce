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

function encodeRice(values: TileIntegers, blockSize: number): Uint8Array {
  const { riceEncode8, riceEncode16, riceEncode32 } = kernels()
  const size = values.BYTES_PER_ELEMENT
  const encode = size === 1 ? riceEncode8 : size === 2 ? riceEncode16 : riceEncode32
  const n = values.length
  const block = Math.min(blockSize, n)
  const codes = allocate(Uint8Array, values.byteLength)
  const out = allocate(Uint8Array, n * (size + 1) + 2 * Math.ceil(n / block) + 64)
  return out.subarray(0, encode(values.byteOffset, n, block, codes.byteOffset, out.byteOffset))
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
