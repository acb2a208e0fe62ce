import { allocate, inKernelMemory, scoped } from '@nightpipe/kernels'
import { readAhead, type TileSource, type Window } from './ahead.js'
import { isBatchable, readTogether } from './batch.js'
import { decodeTile, requireEnough } from './decode.js'
import { TileError } from './error.js'
import { finishTile, type Scaling } from './finish.js'
import { bandOf, eachRun, runsOf, type Tile, tileAt } from './grid.js'
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

export interface Reader {
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
    const batches = inKernelMemory(into) && isBatchable(reader)
    const done = new Set<number>()
    for (let row = first; row < first + rows; row++) {
      const band = bandOf(grid, row)
      if (done.has(band)) continue
      done.add(band)
      const tile = tileAt(grid, band)
      const height = tile.pixels / tile.size[0]
      const { runs, row: start } = runsOf(grid, tile)
      if (runs === 1 && start === row && row + height <= first + rows) {
        const target = into.subarray((row - first) * lineBytes)
        // The last tile of the image may be lower than the others.
        const whole = Math.min(Math.floor((first + rows - row) / height), Math.floor((lines - row) / height))
        const together = batches ? readTogether(reader, tile, whole, target) : 0
        if (together === 0) readBand(reader, band, target.subarray(0, height * lineBytes))
        row += Math.max(1, together) * height - 1
      } else copyRuns(reader, tile, keptBand(image, reader, band, height), first, into)
    }
  })
}

/** From the lines of a band, those that lie in the rows from `first` on of which `into` has room. */
function copyRuns({ layout }: Reader, tile: Tile, bytes: Uint8Array, first: number, into: Uint8Array): void {
  const { grid, lineBytes } = layout
  const rows = into.length / lineBytes
  eachRun(grid, tile, (row, count, line) => {
    const from = Math.max(row, first)
    const to = Math.min(row + count, first + rows)
    if (from >= to) return
    const at = (line + from - row) * lineBytes
    into.set(bytes.subarray(at, at + (to - from) * lineBytes), (from - first) * lineBytes)
  })
}

function keptBand({ kept, layout }: TiledImage, reader: Reader, band: number, lines: number): Uint8Array {
  const known = kept.get(band)
  if (known) return known
  // What cannot be decoded must not take memory.
  eachTile(reader, band, (tile) => locate(reader, tile))
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
  eachTile(reader, band, (tile) => scoped(() => readTile(reader, tile, target)))
}

function eachTile({ layout }: Reader, band: number, work: (tile: Tile) => void): void {
  for (let across = 0; across < layout.grid.counts[0]; across++) {
    const tile = tileAt(layout.grid, band + across)
    try {
      work(tile)
    } catch (cause) {
      // Kernel memory ends at 4 GiB.
      const full = cause instanceof RangeError && /memory/i.test(cause.message)
      if (!full && !(cause instanceof TileError)) throw cause
      const problem = full ? `${tile.pixels} pixels do not fit in memory` : (cause as Error).message
      throw new TileError(`tile ${tile.index + 1} of ${layout.grid.tiles}: ${problem}`, { cause })
    }
  }
}

function readTile(reader: Reader, tile: Tile, target: Uint8Array): void {
  const { lineBytes, bitpix } = reader.layout
  const pixelBytes = Math.abs(bitpix) / 8
  const wide = tile.size[0] * pixelBytes
  const alone = wide === lineBytes
  const direct = alone && inKernelMemory(target)
  const found = locate(reader, tile)
  const pixels = direct ? target : allocate(Uint8Array, tile.pixels * pixelBytes)
  const bytes = reader.heap(found.offset, found.bytes)
  finishTile(found.codec, decodeTile(found.codec, bytes, tile.size, tile.pixels), found.scaling, pixels)
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

/** What the row of the table says of a tile: where its data are, how to decode them, how to scale them. */
interface Located {
  offset: number
  bytes: number
  codec: TileLayout
  scaling: Scaling
}

/** Finds the data of a tile, and refuses data that are too short for its pixels. */
function locate({ layout, table }: Reader, tile: Tile): Located {
  const { columns } = layout
  const row = table(tile.index * layout.rowBytes, layout.rowBytes)
  const number = (column?: TileColumn) => (column ? numberIn(row, column) : undefined)
  const scaling = {
    scale: number(columns.scale) ?? layout.scale ?? 1,
    zero: number(columns.zero) ?? layout.zero ?? 0,
    blank: number(columns.blank) ?? layout.blank,
    start: (tile.index + layout.seed - 1) % 10000,
  }
  // A tile that its algorithm could not hold lies whole in another column.
  const places: [TileColumn | undefined, () => TileLayout][] = [
    [columns.data, () => layout],
    [columns.plain, () => ({ ...layout, quantised: false, algorithm: 'NOCOMPRESS' })],
    [columns.gzipped, () => ({ ...layout, quantised: false, algorithm: 'GZIP_1' })],
  ]
  for (const [column, codecOf] of places) {
    const extent = column && extentOf(layout, row, column)
    if (!extent || extent.bytes === 0) continue
    const codec = codecOf()
    requireEnough(codec, extent.bytes, tile.pixels)
    return { ...extent, codec, scaling }
  }
  throw new TileError('no data')
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
