import { allocate, allocateBytes, kernels } from '@nightpipe/kernels'
import { TileError } from './error.js'

const PROBLEMS = ['', 'not H-compress data', 'an image of another size', 'the H-compress codes are damaged']

/** H-compress works on two dimensions: the first axis, and all others taken together. */
function shapeOf(size: number[], pixels: number): [rows: number, columns: number] {
  const columns = size[0] ?? 1
  return [pixels / columns, columns]
}

/** 16-bit pixels are summed in 32 bits, larger ones in 64. */
function isShort(bitpix: number): boolean {
  return bitpix === 8 || bitpix === 16
}

/** `bytes` lie in kernel memory, and so does the result. */
export function decodeHcompress(
  bytes: Uint8Array,
  size: number[],
  pixels: number,
  bitpix: number,
  smooth: boolean,
): Int32Array {
  const [rows, columns] = shapeOf(size, pixels)
  const { hDecompress32, hDecompress64 } = kernels()
  const [decode, width] = isShort(bitpix) ? [hDecompress32, 4] : [hDecompress64, 8]
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  // Before memory is taken for the pixels that it promises.
  if (bytes.length < 25 || header.getUint16(0) !== 0xdd99) throw new TileError(PROBLEMS[1])
  if (header.getInt32(2) !== rows || header.getInt32(6) !== columns) throw new TileError(PROBLEMS[2])
  const values = allocate(Int32Array, pixels)
  const quarter = Math.ceil(rows / 2) * Math.ceil(columns / 2)
  const room = allocateBytes(width * (2 * pixels + quarter))
  const problem = decode(bytes.byteOffset, bytes.length, values.byteOffset, rows, columns, smooth ? 1 : 0, room)
  if (problem !== 0) throw new TileError(PROBLEMS[problem])
  return values
}

/** `values` lie in kernel memory, and so does the result. */
export function encodeHcompress(values: Int32Array, size: number[], bitpix: number, scale: number): Uint8Array {
  const [rows, columns] = shapeOf(size, values.length)
  const { hCompress32, hCompress64 } = kernels()
  const [encode, width] = isShort(bitpix) ? [hCompress32, 4] : [hCompress64, 8]
  const room = allocateBytes((2 * width + 1) * values.length + 64)
  const out = allocate(Uint8Array, 9 * values.length + 1024)
  return out.subarray(0, encode(values.byteOffset, rows, columns, scale, room, out.byteOffset))
}
