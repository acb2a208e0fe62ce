import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { Card } from '../header.js'
import type { Compression } from '../new-hdu.js'
import { encodeBytes, encodeIntegers, encodeRiceTiles } from './encode.js'
import { eachRun, type Grid, product, runsOf, type Tile, tileAt, tileGrid } from './grid.js'
import type { TileIntegers } from './integers.js'
import { plioOffset } from './layout.js'
import { heapOf, type PackedTile, tableOf } from './pack.js'
import { quantiseTile } from './quantise.js'
import { tableCards } from './table-cards.js'

/** NOCOMPRESS cuts into tiles only: for tests of readers. */
export type TileOptions = Omit<Compression, 'type'> & { type: Compression['type'] | 'NOCOMPRESS' }

/** An image to be compressed: its cards as if uncompressed, and its rows. */
export interface TiledInput {
  cards: readonly Card[]
  bitpix: 8 | 16 | 32 | 64 | -32 | -64
  axes: number[]
  /** Fills `into` with whole rows from `first` on, counted through all planes: big-endian stored values. */
  rows(first: number, into: Uint8Array): void
}

/** The binary table that holds an image: its cards, and its data with the heap. */
export function compressImage(input: TiledInput, options: TileOptions): { cards: Card[]; bytes: Uint8Array } {
  const settled = settle(input, options)
  const grid = tileGrid(input.axes, settled.tile)
  const heap = heapOf()
  const tiles: PackedTile[] = []
  scoped(() => {
    const rows = rowReader(input, grid)
    for (let index = 0; index < grid.tiles; index++) {
      const tile = tileAt(grid, index)
      const together = wholeTilesFrom(input, settled, grid, tile)
      scoped(() => {
        if (together > 1) packTogether(input, settled, grid, tile, together, rows, heap.add, tiles)
        else tiles.push(packTile(input, settled, tile, gather(input, grid, tile, rows), heap.add))
      })
      index += Math.max(1, together) - 1
    }
  })
  const table = tableOf(tiles, heap, settled.quantize !== undefined, settled.type === 'PLIO_1' ? 'I' : 'B')
  return { cards: tableCards(input, settled, grid, table, tiles), bytes: table.bytes }
}

export type Settled = TileOptions & {
  tile: number[]
  blockSize: number
  scale: number
  offset: number
  last: Float64Array
}

/** What is asked for, made possible: refuses what an algorithm cannot do. */
function settle({ cards, bitpix, axes }: TiledInput, options: TileOptions): Settled {
  const { type, quantize } = options
  const gzip = type === 'GZIP_1' || type === 'GZIP_2' || type === 'NOCOMPRESS'
  if (bitpix === 64 && !gzip) throw new RangeError(`${type} cannot hold 64-bit integers: GZIP_1 and GZIP_2 can`)
  if (bitpix < 0 && type === 'PLIO_1') throw new RangeError('PLIO_1 holds integers only')
  if (bitpix < 0 && !quantize && !gzip) throw new RangeError(`${type} holds floats only when they are quantized`)
  if (quantize && !(quantize.seed >= 1 && quantize.seed <= 10000)) throw new RangeError(`dither seed ${quantize.seed}`)
  const tile = options.tile ?? defaultTile(type, axes)
  if (type === 'HCOMPRESS_1') checkSides(axes, tile)
  const scale = type === 'HCOMPRESS_1' ? (options.scale ?? 0) : 0
  const lossy = bitpix < 0 ? quantize : undefined
  const zero = cards.find((card) => card.keyword === 'BZERO')?.value
  const offset = plioOffset(type, bitpix, typeof zero === 'number' ? zero : undefined)
  return {
    ...options,
    quantize: lossy,
    tile,
    blockSize: options.blockSize ?? 32,
    scale,
    offset,
    last: new Float64Array(3),
  }
}

/** A row; for H-compress, which needs two dimensions, as many rows near 16 as leave no thin remainder. */
function defaultTile(type: TileOptions['type'], axes: number[]): number[] {
  const height = axes[1] ?? 1
  if (type !== 'HCOMPRESS_1') return [axes[0], ...axes.slice(1).map(() => 1)]
  const fits = (rows: number) => height % rows === 0 || height % rows > 3
  const rows = height <= 30 ? height : ([16, 24, 20, 30, 28, 26, 22, 18, 14].find(fits) ?? 17)
  return [axes[0], rows, ...axes.slice(2).map(() => 1)]
}

/** CFITSIO refuses thinner tiles, at the edges too. */
function checkSides(axes: number[], tile: number[]): void {
  const thin = [0, 1].some((k) => {
    const side = Math.min(tile[k] ?? 1, axes[k] ?? 1)
    const rest = (axes[k] ?? 1) % side
    return side < 4 || (rest > 0 && rest < 4)
  })
  if (thin || tile.slice(2).some((side) => side !== 1)) {
    throw new RangeError(`HCOMPRESS_1 needs tiles of two dimensions, 4 pixels or more, not ${tile.join('x')}`)
  }
}

type Rows = (first: number, count: number) => Uint8Array

/** Rows are mostly wanted in order: they come by strips of about a megabyte, in kernel memory. */
function rowReader(input: TiledInput, grid: Grid): Rows {
  const lineBytes = (input.axes[0] * Math.abs(input.bitpix)) / 8
  const lines = product(input.axes.slice(1))
  const bandLines = product(grid.tile.slice(1))
  const strip = Math.min(lines, Math.max(bandLines, Math.floor(2 ** 20 / lineBytes)))
  const buffer = allocate(Uint8Array, strip * lineBytes)
  let start = 0
  let end = 0
  return (first, count) => {
    if (first < start || first + count > end) {
      end = Math.min(lines, first + (first === end ? strip : count))
      start = first
      input.rows(first, buffer.subarray(0, (end - start) * lineBytes))
    }
    return buffer.subarray((first - start) * lineBytes, (first - start + count) * lineBytes)
  }
}

/** The pixels of a tile, big-endian. */
function gather(input: TiledInput, grid: Grid, tile: Tile, rows: Rows): Uint8Array {
  const pixelBytes = Math.abs(input.bitpix) / 8
  const wide = tile.size[0] * pixelBytes
  const x = tile.start[0] * pixelBytes
  let bytes: Uint8Array | undefined
  eachRun(grid, tile, (row, count, line) => {
    if (grid.counts[0] === 1 && count * wide === tile.pixels * pixelBytes) {
      bytes = rows(row, count)
      return
    }
    bytes ??= allocate(Uint8Array, tile.pixels * pixelBytes)
    for (let k = 0; k < count; k++) bytes.set(rows(row + k, 1).subarray(x, x + wide), (line + k) * wide)
  })
  return bytes!
}

/** Rice tiles of integers that are whole rows go many in a call: how many from this one on, about a megabyte. */
function wholeTilesFrom({ axes, bitpix }: TiledInput, { type }: Settled, grid: Grid, tile: Tile): number {
  if (type !== 'RICE_1' || bitpix < 0 || grid.counts[0] !== 1) return 0
  if (axes.length > 2 && grid.tile.slice(1).some((side) => side !== 1)) return 0
  const height = tile.pixels / tile.size[0]
  const { row } = runsOf(grid, tile)
  const fitting = Math.floor(2 ** 20 / ((tile.pixels * bitpix) / 8))
  return Math.min(fitting, Math.floor((product(axes.slice(1)) - row) / height))
}

function packTogether(
  input: TiledInput,
  settled: Settled,
  grid: Grid,
  tile: Tile,
  count: number,
  rows: Rows,
  add: Add,
  tiles: PackedTile[],
): void {
  const values = integersOf(rows(runsOf(grid, tile).row, (count * tile.pixels) / tile.size[0]), input.bitpix)
  const { bytes, lengths } = encodeRiceTiles(values, tile.pixels, settled.blockSize)
  let { offset } = add(bytes)
  for (const length of lengths) {
    tiles.push({ data: { offset, bytes: length } })
    offset += length
  }
}

type Add = (bytes: Uint8Array) => { offset: number; bytes: number }

function packTile(input: TiledInput, settled: Settled, tile: Tile, bytes: Uint8Array, add: Add): PackedTile {
  const { bitpix } = input
  const { type, quantize } = settled
  const width = Math.abs(bitpix) / 8
  if (bitpix < 0 && quantize) {
    const quantised = quantiseTile(floatsOf(bytes, bitpix), tile.size[0], tile.index, quantize, settled.last)
    if (!quantised) return { gzipped: add(encodeBytes('GZIP_1', bytes, width)) }
    const { values, scale, zero, blanks } = quantised
    return { data: add(encodeIntegers(settled, values, tile.size, bitpix)), scale, zero, blanks }
  }
  if (bitpix < 0 || bitpix === 64) return { data: add(encodeBytes(type, bytes, width)) }
  if (type !== 'RICE_1' && type !== 'PLIO_1' && type !== 'HCOMPRESS_1') {
    return { data: add(encodeBytes(type, bytes, width)) }
  }
  return { data: add(encodeIntegers(settled, integersOf(bytes, bitpix), tile.size, bitpix)) }
}

function floatsOf(bytes: Uint8Array, bitpix: number): Float32Array | Float64Array {
  const { swap32, swap64 } = kernels()
  const n = (8 * bytes.length) / -bitpix
  const floats = bitpix === -32 ? allocate(Float32Array, n) : allocate(Float64Array, n)
  const swap = bitpix === -32 ? swap32 : swap64
  swap(bytes.byteOffset, floats.byteOffset, n)
  return floats
}

function integersOf(bytes: Uint8Array, bitpix: number): TileIntegers {
  if (bitpix === 8) return bytes
  const { swap16, swap32 } = kernels()
  const values = bitpix === 16 ? allocate(Int16Array, bytes.length / 2) : allocate(Int32Array, bytes.length / 4)
  const swap = bitpix === 16 ? swap16 : swap32
  swap(bytes.byteOffset, values.byteOffset, values.length)
  return values
}
