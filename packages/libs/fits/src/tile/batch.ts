import { kernels } from '@nightpipe/kernels'
import type { Tile } from './grid.js'
import type { TileColumn } from './layout.js'
import type { Reader } from './read.js'

/** So many bytes of the heap are read at once, at most. */
const HEAP_BYTES = 2 ** 20

/**
 * True when whole tiles of this image can be decoded many in a call: Rice, each tile some whole rows, 16-bit pixels as
 * such or floats as scaled integers. That is what nearly all files hold; everything else goes tile by tile.
 */
export function isBatchable({ layout }: Reader): boolean {
  const { algorithm, grid, columns, bitpix, bytePix, quantised } = layout
  if (algorithm !== 'RICE_1' || columns.data?.element !== 'B' || grid.counts[0] !== 1) return false
  if (grid.axes.length > 2 && grid.tile.slice(1).some((side) => side !== 1)) return false
  if (!quantised) return bitpix === 8 * bytePix
  return bitpix === -32 && bytePix === 4 && columns.scale?.type === 'D' && columns.zero?.type === 'D' && !columns.blank
}

/**
 * Decodes whole tiles from `tile` on, up to `most` of them, to `target` in kernel memory. Returns how many: 0 when the first
 * one must be treated by itself, because it lies in another column, or is damaged.
 */
export function readTogether(reader: Reader, tile: Tile, most: number, target: Uint8Array): number {
  const { layout, table, heap } = reader
  const { rowBytes, columns, bytePix, blockSize, bitpix, quantised } = layout
  const column = columns.data!
  const count = Math.min(most, Math.max(1, Math.floor(2 ** 16 / rowBytes)))
  const rows = table(tile.index * rowBytes, count * rowBytes)
  const { from, to, tiles } = spanOf(rows, rowBytes, column, count)
  if (tiles === 0) return 0
  const { byteOffset, length } = heap(layout.heapStart + from, to - from)
  const wide = column.type === 'Q' ? 1 : 0
  const { pixels } = tile
  const block = Math.min(blockSize, pixels)
  const { riceTiles, unquantiseTiles, swap16, swap32 } = kernels()
  const at = [rows.byteOffset, rowBytes, column.offset, wide, tiles] as const
  const done = riceTiles(...at, byteOffset, from, length, target.byteOffset, pixels, block, bytePix)
  if (quantised) {
    const { dither, seed, blank } = layout
    const [scales, zeros] = [columns.scale!.offset, columns.zero!.offset]
    const start = (tile.index + seed - 1) % 10000
    const marks = [blank === undefined ? 0 : 1, blank ?? 0] as const
    unquantiseTiles(rows.byteOffset, rowBytes, scales, zeros, done, target.byteOffset, pixels, dither, start, ...marks)
  } else if (bitpix === 16) swap16(target.byteOffset, target.byteOffset, done * pixels)
  else if (bitpix === 32) swap32(target.byteOffset, target.byteOffset, done * pixels)
  return done
}

/** The part of the heap that the tiles of these rows of the table lie in, and how many of them lie in a reasonable one. */
function spanOf(rows: Uint8Array, rowBytes: number, column: TileColumn, count: number) {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length)
  let from = 0
  let to = 0
  let tiles = 0
  for (; tiles < count; tiles++) {
    const at = tiles * rowBytes + column.offset
    const bytes = column.type === 'P' ? view.getInt32(at) : Number(view.getBigInt64(at))
    const pointer = column.type === 'P' ? view.getUint32(at + 4) : Number(view.getBigInt64(at + 8))
    if (bytes <= 0 || pointer < from || !Number.isSafeInteger(pointer + bytes)) break
    if (tiles === 0) from = pointer
    else if (pointer + bytes - from > HEAP_BYTES) break
    to = Math.max(to, pointer + bytes)
  }
  return { from, to, tiles }
}
