import { allocate, inKernelMemory, scoped } from '@nightpipe/kernels'
import { readAhead, type TileSource, type Window } from './ahead.js'
import { decodeTile } from './decode.js'
import { TileError } from './error.js'
import { finishTile } from './finish.js'
import { bandOf, rowsOf, type Tile, tileAt } from './grid.js'
import { BYTES, type TileColumn, type TileLayout } from './layout.js'

/** An image whose pixels lie in tiles. Bands of tiles that were only partly used are kept for the next request. */
export interface TiledImage {
  layout: TileLayout
  source: TileSource
  kept: Map<number, Uint8Array>
}

/** So that reading an image of few large tiles strip by strip does not decode each tile many times. */
const KEPT_BYTES = 2 ** 26

export function tiledImage(layout: TileLayout, source: TileSource): TiledImage {
  return { layout, source, kept: new Map() }
}

interface Reader {
  layout: TileLayout
  table: Window
  heap: Window
}

/**
 * Rows `first` to `first + rows` of the image, counted through all planes, as the bytes that an uncompressed file would
 * hold there: big-endian, unscaled. Only the tiles that are touched are read. A TileError says what is wrong.
 */
export function readTiledRows(image: TiledImage, first: number, rows: number, into: Uint8Array): void {
  const { layout, source } = image
  const { grid, lineBytes, lines } = layout
  if (first < 0 || rows < 0 || first + rows > lines)
    throw new RangeError(`rows ${first} to ${first + rows} of ${lines}`)
  if (into.length !== rows * lineBytes) throw new RangeError(`${into.length} bytes for ${rows} rows`)
  if (into.length === 0) return
  scoped(() => {
    const reader = { layout, table: readAhead(source, 2 ** 16), heap: readAhead(source, 2 ** 20) }
    const done = new Set<number>()
    for (let row = first; row < first + rows; row++) {
      const band = bandOf(grid, row)
      if (done.has(band)) continue
      done.add(band)
      const all = rowsOf(grid, tileAt(grid, band))
      const together = all[all.length - 1] - all[0] === all.length - 1
      if (together && row === all[0] && row + all.length <= first + rows) {
        readBand(reader, band, into.subarray((row - first) * lineBytes, (row - first + all.length) * lineBytes))
        row += all.length - 1
      } else copyLines(keptBand(image, reader, band, all.length), all, lineBytes, first, into)
    }
  })
}

function copyLines(bytes: Uint8Array, lines: number[], lineBytes: number, first: number, into: Uint8Array): void {
  for (let k = 0; k < lines.length; k++) {
    const at = (lines[k] - first) * lineBytes
    if (at >= 0 && at < into.length) into.set(bytes.subarray(k * lineBytes, (k + 1) * lineBytes), at)
  }
}

function keptBand({ kept, layout }: TiledImage, reader: Reader, band: number, lines: number): Uint8Array {
  const known = kept.get(band)
  if (known) return known
  const bytes = new Uint8Array(lines * layout.lineBytes)
  readBand(reader, band, bytes)
  let total = bytes.length
  for (const other of kept.values()) total += other.length
  for (const [key, other] of kept) {
    if (total <= KEPT_BYTES) break
    kept.delete(key)
    total -= other.length
  }
  kept.set(band, bytes)
  return bytes
}

/** Decodes the tiles of a band side by side to `target`, which has all the lines of the band. */
function readBand(reader: Reader, band: number, target: Uint8Array): void {
  const { layout } = reader
  for (let across = 0; across < layout.grid.counts[0]; across++) {
    const tile = tileAt(layout.grid, band + across)
    try {
      scoped(() => readTile(reader, tile, target))
    } catch (cause) {
      if (!(cause instanceof TileError)) throw cause
      throw new TileError(`tile ${tile.index + 1} of ${layout.grid.tiles}: ${cause.message}`, { cause })
    }
  }
}

function readTile(reader: Reader, tile: Tile, target: Uint8Array): void {
  const { lineBytes, bitpix } = reader.layout
  const pixelBytes = Math.abs(bitpix) / 8
  const wide = tile.size[0] * pixelBytes
  const alone = wide === lineBytes
  const direct = alone && inKernelMemory(target)
  const pixels = direct ? target : allocate(Uint8Array, tile.pixels * pixelBytes)
  decodeRow(reader, tile, pixels)
  if (direct) return
  if (alone) {
    target.set(pixels)
    return
  }
  const x = tile.start[0] * pixelBytes
  for (let i = 0; i * wide < pixels.length; i++) {
    target.set(pixels.subarray(i * wide, (i + 1) * wide), i * lineBytes + x)
  }
}

/** Finds the tile's data in the row of the table, decodes them, and scales them. */
function decodeRow({ layout, table, heap }: Reader, tile: Tile, target: Uint8Array): void {
  const { columns } = layout
  const row = table(tile.index * layout.rowBytes, layout.rowBytes)
  const number = (column?: TileColumn) => (column ? numberIn(row, column) : undefined)
  const scaling = {
    scale: number(columns.scale) ?? layout.scale ?? 1,
    zero: number(columns.zero) ?? layout.zero ?? 0,
    blank: number(columns.blank) ?? layout.blank,
    start: (tile.index + layout.seed - 1) % 10000,
  }
  const data = columns.data && extentOf(layout, row, columns.data)
  if (data && data.bytes > 0) {
    const bytes = heap(data.offset, data.bytes)
    finishTile(layout, decodeTile(layout, bytes, tile.size, tile.pixels), scaling, target)
    return
  }
  // A tile that its algorithm could not hold lies whole in another column.
  const lossless = { ...layout, quantised: false }
  const plain = columns.plain && extentOf(layout, row, columns.plain)
  const gzipped = columns.gzipped && extentOf(layout, row, columns.gzipped)
  const extent = plain && plain.bytes > 0 ? plain : gzipped
  if (!extent || extent.bytes === 0) throw new TileError('no data')
  const algorithm = extent === plain ? 'NOCOMPRESS' : 'GZIP_1'
  const bytes = heap(extent.offset, extent.bytes)
  finishTile(lossless, decodeTile({ ...lossless, algorithm }, bytes, tile.size, tile.pixels), scaling, target)
}

/** Where the data of a tile lie, from the descriptor in the table: checked against the heap. */
function extentOf(layout: TileLayout, row: Uint8Array, column: TileColumn): { offset: number; bytes: number } {
  const view = new DataView(row.buffer, row.byteOffset + column.offset, column.type === 'P' ? 8 : 16)
  const count = column.type === 'P' ? view.getInt32(0) : Number(view.getBigInt64(0))
  const pointer = column.type === 'P' ? view.getUint32(4) : Number(view.getBigInt64(8))
  const bytes = count * BYTES[column.element ?? 'B']
  if (count < 0 || pointer < 0 || !Number.isSafeInteger(bytes) || !Number.isSafeInteger(pointer)) {
    throw new TileError(`a descriptor of ${count} elements at ${pointer}`)
  }
  return { offset: layout.heapStart + pointer, bytes }
}

function numberIn(row: Uint8Array, column: TileColumn): number {
  const view = new DataView(row.buffer, row.byteOffset + column.offset)
  switch (column.type) {
    case 'D':
      return view.getFloat64(0)
    case 'E':
      return view.getFloat32(0)
    case 'J':
      return view.getInt32(0)
    case 'I':
      return view.getInt16(0)
    case 'B':
      return view.getUint8(0)
    case 'K':
      return Number(view.getBigInt64(0))
    default:
      throw new TileError(`a number in a column of type '${column.type}'`)
  }
}
