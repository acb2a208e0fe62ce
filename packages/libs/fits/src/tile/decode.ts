import { allocate, kernels } from '@nightpipe/kernels'
import { TileError } from './error.js'
import { gunzipTile, unshuffle } from './gzip.js'
import { decodeHcompress } from './hcompress.js'
import type { TileIntegers } from './integers.js'
import type { TileLayout } from './layout.js'
import { decodePlio } from './plio.js'

/**
 * What a tile's bytes decode to: integers in the machine's order, or the bytes of big-endian pixels as they lie in an
 * uncompressed file. Both are allocated in kernel memory: decode within `scoped`.
 */
export type Decoded = { kind: 'integers'; values: TileIntegers } | { kind: 'bytes'; bytes: Uint8Array; width: number }

type Codec = Pick<TileLayout, 'algorithm' | 'blockSize' | 'bytePix' | 'smooth' | 'offset' | 'bitpix' | 'quantised'>

/** Decodes one tile of the shape `size`. `bytes` lie in kernel memory. A damaged tile throws a TileError. */
export function decodeTile(codec: Codec, bytes: Uint8Array, size: number[], pixels: number): Decoded {
  switch (codec.algorithm) {
    case 'RICE_1':
      return { kind: 'integers', values: decodeRice(bytes, pixels, codec.bytePix, codec.blockSize) }
    case 'PLIO_1':
      return { kind: 'integers', values: decodeLineList(bytes, pixels, codec.offset) }
    case 'HCOMPRESS_1':
      return { kind: 'integers', values: decodeHcompress(bytes, size, pixels, codec.bitpix, codec.smooth) }
    case 'NOCOMPRESS':
      return pixelBytes(codec, bytes, pixels)
    default: {
      const inflated = gunzipTile(bytes, 8 * pixels)
      const { width } = pixelBytes(codec, inflated, pixels)
      return { kind: 'bytes', bytes: codec.algorithm === 'GZIP_2' ? unshuffle(inflated, width) : inflated, width }
    }
  }
}

const LABEL_BITS: Record<number, number> = { 1: 3, 2: 4, 4: 5 }

/** Refuses a tile that cannot hold its pixels however well they compress, before memory is taken for them. */
export function requireEnough(codec: Codec, bytes: number, pixels: number): void {
  const { algorithm, bytePix, blockSize } = codec
  if (algorithm === 'RICE_1' && !(bytePix in LABEL_BITS)) throw new TileError(`BYTEPIX is ${bytePix}`)
  const blocks = Math.ceil(pixels / blockSize)
  const least = {
    // The first pixel, and the label of each block.
    RICE_1: bytePix + Math.ceil((blocks * LABEL_BITS[bytePix]) / 8),
    // Deflate makes at most 1032 bytes of one.
    GZIP_1: Math.ceil(pixels / 1032),
    GZIP_2: Math.ceil(pixels / 1032),
    NOCOMPRESS: pixels,
    // Instructions of 4095 pixels; zeros at the end may be left out, but nobody leaves out millions.
    PLIO_1: pixels > 2 ** 20 ? 2 * Math.floor(pixels / 4095) : 0,
    HCOMPRESS_1: 25,
  }[algorithm]
  if (bytes < least) throw new TileError(`${bytes} bytes of ${algorithm} data, ${least} needed for ${pixels} pixels`)
}

/** Some writers gzip 32-bit integers where the image has 16: the size of the data tells. */
function pixelBytes(codec: Codec, bytes: Uint8Array, pixels: number): Decoded & { width: number } {
  const width = bytes.length / pixels
  const wanted = codec.quantised ? 4 : Math.abs(codec.bitpix) / 8
  const fits = codec.bitpix > 0 ? [1, 2, 4, 8].includes(width) && width <= Math.max(4, wanted) : width === wanted
  if (!fits) throw new TileError(`${bytes.length} bytes for ${pixels} pixels of ${wanted} bytes`)
  return { kind: 'bytes', bytes, width }
}

function decodeRice(bytes: Uint8Array, pixels: number, bytePix: number, blockSize: number) {
  const block = Math.min(blockSize, pixels)
  const { riceDecode8, riceDecode16, riceDecode32 } = kernels()
  const [decode, values] =
    bytePix === 1
      ? [riceDecode8, allocate(Uint8Array, pixels)]
      : bytePix === 2
        ? [riceDecode16, allocate(Int16Array, pixels)]
        : [riceDecode32, allocate(Int32Array, pixels)]
  if (decode(bytes.byteOffset, bytes.length, values.byteOffset, pixels, block) !== 0) {
    throw new TileError(`the Rice data end before the last of ${pixels} pixels`)
  }
  return values
}

function decodeLineList(bytes: Uint8Array, pixels: number, offset: number): Int32Array {
  if (bytes.length % 2 !== 0) throw new TileError(`PLIO data of ${bytes.length} bytes`)
  const words = allocate(Int16Array, bytes.length / 2)
  kernels().swap16(bytes.byteOffset, words.byteOffset, words.length)
  const values = allocate(Int32Array, pixels)
  decodePlio(words, values)
  if (offset !== 0) for (let i = 0; i < pixels; i++) values[i] -= offset
  return values
}
