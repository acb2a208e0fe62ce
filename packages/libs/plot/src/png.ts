import { deflateSync } from 'node:zlib'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})

function crc(bytes: Uint8Array): number {
  let c = 0xffffffff
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 255] ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length)
  const view = new DataView(out.buffer)
  view.setUint32(0, data.length)
  for (let k = 0; k < 4; k++) out[4 + k] = name.charCodeAt(k)
  out.set(data, 8)
  view.setUint32(8 + data.length, crc(out.subarray(4, 8 + data.length)))
  return out
}

/**
 * An 8-bit PNG: grey (one byte a pixel) or RGB (three), rows from the top. `level` is that of zlib: for drawings, most of
 * which is empty, 3 takes a third of the time and half as many bytes more.
 */
export function encodePng(pixels: Uint8Array, width: number, height: number, level = 6): Uint8Array {
  const samples = pixels.length / (width * height)
  const data = chunk('IDAT', compressedRows(pixels, width, height, level))
  return Buffer.concat([SIGNATURE, headerChunk(width, height, samples), data, chunk('IEND', new Uint8Array(0))])
}

/**
 * An animated PNG: pictures of one size, shown in turn for `milliseconds` each, for ever. A viewer that knows no
 * animation shows the first.
 */
export function encodeAnimatedPng(
  pictures: readonly Uint8Array[],
  width: number,
  height: number,
  milliseconds: number,
): Uint8Array {
  if (pictures.length === 0) throw new RangeError('an animation needs a picture')
  const samples = pictures[0]!.length / (width * height)
  const parts = [SIGNATURE, headerChunk(width, height, samples), chunk('acTL', words(pictures.length, 0))]
  let number = 0
  pictures.forEach((pixels, k) => {
    // place and size; the delay as a fraction of a second; drawn over what was there
    const delay = Uint8Array.of(milliseconds >> 8, milliseconds & 255, 1000 >> 8, 1000 & 255, 0, 0)
    parts.push(chunk('fcTL', Buffer.concat([words(number++, width, height, 0, 0), delay])))
    const rows = compressedRows(pixels, width, height)
    parts.push(k === 0 ? chunk('IDAT', rows) : chunk('fdAT', Buffer.concat([words(number++), rows])))
  })
  return Buffer.concat([...parts, chunk('IEND', new Uint8Array(0))])
}

/** Numbers of four bytes, the highest first. */
function words(...values: number[]): Uint8Array {
  const out = new DataView(new ArrayBuffer(4 * values.length))
  values.forEach((value, k) => void out.setUint32(4 * k, value))
  return new Uint8Array(out.buffer)
}

const headerChunk = (width: number, height: number, samples: number) =>
  chunk('IHDR', Buffer.concat([words(width, height), Uint8Array.of(8, samples === 3 ? 2 : 0, 0, 0, 0)]))

/** Each row after the number of its filter, 0. */
function compressedRows(pixels: Uint8Array, width: number, height: number, level = 6): Uint8Array {
  const stride = pixels.length / height
  if (stride !== width && stride !== 3 * width) throw new RangeError(`${pixels.length} bytes are no ${width}x${height}`)
  const rows = new Uint8Array(height * (stride + 1))
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1)
  return deflateSync(rows, { level })
}
