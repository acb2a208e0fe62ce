import { allocate } from '@nightpipe/kernels'
import { TileError } from './error.js'

/** The data unit that holds the tiles: `read` fills `into` from byte `offset` of it. */
export interface TileSource {
  bytes: number
  read(offset: number, into: Uint8Array): void
}

/** Bytes of the data unit in kernel memory, good until the next call. */
export type Window = (offset: number, bytes: number) => Uint8Array

/**
 * Tiles mostly lie one after another: while they are asked for in order, each read from the file takes twice as much as
 * the one before, up to `capacity`. Lives in kernel memory, in the caller's scope.
 */
export function readAhead(source: TileSource, capacity: number): Window {
  const size = Math.min(capacity, source.bytes)
  const buffer = allocate(Uint8Array, size)
  let start = 0
  let end = 0
  let last = -1
  let stride = 0
  return (offset, bytes) => {
    if (offset < 0 || offset + bytes > source.bytes) {
      throw new TileError(`data at bytes ${offset} to ${offset + bytes} of ${source.bytes}`)
    }
    const inOrder = offset === last
    last = offset + bytes
    if (bytes > size) {
      const whole = allocate(Uint8Array, bytes)
      source.read(offset, whole)
      return whole
    }
    if (offset < start || last > end) {
      stride = inOrder ? Math.min(2 * stride, size) : bytes
      start = offset
      end = offset + Math.min(size, source.bytes - offset, Math.max(bytes, stride))
      source.read(start, buffer.subarray(0, end - start))
    }
    return buffer.subarray(offset - start, last - start)
  }
}
