import { readSync } from 'node:fs'
import { onesSum } from './checksum.js'
import { BLOCK } from './header-reader.js'
import { formatHeader, headerBytes } from './new-header.js'
import type { FilePlan, PlannedHdu } from './plan.js'
import type { Sink } from './strip.js'
import { compressImage } from './tile/index.js'

/** Copied by pieces of this many bytes. */
const PIECE = 1 << 20

/** An image whose rows came by strips and that is to be compressed: its size is known only when it is complete. */
export function waitsForRows({ image }: PlannedHdu): boolean {
  return image !== undefined && image.source.compress !== undefined && !image.source.pixels && !image.source.stored
}

/**
 * Writes the HDUs of a complete file again, from its start, those images compressed that asked for it. `fd` is the file
 * as its rows were written. Returns the size.
 */
export function repack(plan: FilePlan, sums: readonly number[], fd: number, sink: Sink): number {
  let at = 0
  plan.hdus.forEach((hdu, k) => {
    const { cards, dataStart, dataBytes } = hdu
    const packed = waitsForRows(hdu) ? pack(hdu, fd) : undefined
    const header = packed
      ? formatHeader(packed.cards, onesSum(packed.bytes), headerBytes(packed.cards))
      : formatHeader(cards, sums[k]!, hdu.headerBytes)
    sink(at, header)
    at += header.length
    if (packed) sink(at, packed.bytes)
    else copy(fd, dataStart, dataBytes, sink, at)
    const size = packed ? packed.bytes.length : dataBytes
    at = padded(sink, at + size)
  })
  return at
}

function pack({ cards, image, dataStart }: PlannedHdu, fd: number) {
  const { bitpix, axes, compress } = image!.source
  const lineBytes = (image!.width * Math.abs(bitpix)) / 8
  const rows = (first: number, into: Uint8Array) => readFully(fd, dataStart + first * lineBytes, into)
  return compressImage({ cards, bitpix, axes, rows }, compress!)
}

function copy(fd: number, from: number, bytes: number, sink: Sink, to: number): void {
  const piece = new Uint8Array(Math.min(PIECE, bytes))
  for (let done = 0; done < bytes; done += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, bytes - done))
    readFully(fd, from + done, part)
    sink(to + done, part)
  }
}

function readFully(fd: number, from: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const got = readSync(fd, into, done, into.length - done, from + done)
    if (got === 0) throw new RangeError('the file in the making has become shorter')
    done += got
  }
}

/** Zeros up to the end of the block; returns where it ends. */
function padded(sink: Sink, end: number): number {
  const next = Math.ceil(end / BLOCK) * BLOCK
  if (next > end) sink(end, new Uint8Array(next - end))
  return next
}
