import { gzipSync } from 'node:zlib'

export interface TarEntry {
  /** with its folder */
  name: string
  bytes: Uint8Array
}

const BLOCK = 512

/** A tar (POSIX ustar) of some files, in that order, compressed; nobody's, dated by the exposure: the same bytes every time. */
export function tarGz(entries: readonly TarEntry[], seconds: number): Buffer {
  const parts: Buffer[] = []
  for (const { name, bytes } of entries) {
    parts.push(headerOf(name, bytes.length, seconds), Buffer.from(bytes))
    parts.push(Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK))
  }
  parts.push(Buffer.alloc(2 * BLOCK))
  const zipped = gzipSync(Buffer.concat(parts), { level: 9 })
  zipped[9] = 255 // no word about the system that made it
  return zipped
}

function headerOf(path: string, size: number, seconds: number): Buffer {
  const header = Buffer.alloc(BLOCK)
  const text = (value: string, at: number, length: number) => header.write(value.slice(0, length), at, 'latin1')
  const octal = (value: number, at: number, length: number) =>
    text(value.toString(8).padStart(length - 1, '0'), at, length - 1)
  // A long path is split at a slash.
  const cut = path.length <= 100 ? -1 : path.lastIndexOf('/', 155)
  text(path.slice(cut + 1), 0, 100)
  octal(0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(Math.max(0, Math.floor(seconds)), 136, 12)
  text('        ', 148, 8)
  text('0', 156, 1)
  text('ustar\0', 257, 6)
  text('00', 263, 2)
  if (cut > 0) text(path.slice(0, cut), 345, 155)
  const sum = header.reduce((total, byte) => total + byte, 0)
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8)
  return header
}
