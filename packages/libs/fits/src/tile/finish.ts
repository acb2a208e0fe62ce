import { allocate, inKernelMemory, kernels } from '@nightpipe/kernels'
import type { Decoded } from './decode.js'
import { TileError } from './error.js'
import { type TileIntegers, widened } from './integers.js'
import type { TileLayout } from './layout.js'

/** How one tile's integers become floats again. */
export interface Scaling {
  scale: number
  zero: number
  blank?: number
  /** Place of the tile in the sequence of random numbers, 0 to 9999. */
  start: number
}

/** Writes the pixels of a decoded tile to `target`, big-endian, as the uncompressed image has them. */
export function finishTile(layout: TileLayout, decoded: Decoded, scaling: Scaling, target: Uint8Array): void {
  if (layout.quantised) unquantise(layout, decoded, scaling, target)
  else if (decoded.kind === 'bytes' && decoded.width === Math.abs(layout.bitpix) / 8) target.set(decoded.bytes)
  else store(layout.bitpix, integersOf(decoded), target)
}

function unquantise(layout: TileLayout, decoded: Decoded, scaling: Scaling, target: Uint8Array): void {
  const values = widened(integersOf(decoded))
  const { scale, zero, blank, start } = scaling
  const { unquantiseFloats, unquantiseDoubles } = kernels()
  const convert = layout.bitpix === -32 ? unquantiseFloats : unquantiseDoubles
  const { byteOffset, length } = values
  const hasBlank = blank === undefined ? 0 : 1
  convert(byteOffset, target.byteOffset, length, scale, zero, layout.dither, start, hasBlank, blank ?? 0)
}

/** The integers of a tile in the machine's order. */
function integersOf(decoded: Decoded): TileIntegers {
  if (decoded.kind === 'integers') return decoded.values
  const { bytes, width } = decoded
  const source = inKernelMemory(bytes) && bytes.byteOffset % width === 0 ? bytes : allocate(Uint8Array, bytes.length)
  if (source !== bytes) source.set(bytes)
  if (width === 1) return source
  if (width === 2) {
    const values = allocate(Int16Array, bytes.length / 2)
    kernels().swap16(source.byteOffset, values.byteOffset, values.length)
    return values
  }
  if (width !== 4) throw new TileError(`integers of ${width} bytes`)
  const values = allocate(Int32Array, bytes.length / 4)
  kernels().swap32(source.byteOffset, values.byteOffset, values.length)
  return values
}

/** Integers as big-endian pixels of BITPIX; the sizes of the two may differ. */
function store(bitpix: number, values: TileIntegers, target: Uint8Array): void {
  const { swap16, swap32, bigEndian16From32, bytesFrom32 } = kernels()
  const n = values.length
  if (bitpix === 8 && values instanceof Uint8Array) target.set(values)
  else if (bitpix === 16 && values instanceof Int16Array) swap16(values.byteOffset, target.byteOffset, n)
  else if (bitpix === 32) swap32(widened(values).byteOffset, target.byteOffset, n)
  else if (bitpix === 16) bigEndian16From32(widened(values).byteOffset, target.byteOffset, n)
  else if (bitpix === 8) bytesFrom32(widened(values).byteOffset, target.byteOffset, n)
  else throw new TileError(`integers of 32 bits for an image of BITPIX ${bitpix}`)
}
