import type { Card, CardValue } from '../header.js'
import type { Grid } from './grid.js'
import type { PackedColumn, PackedTable, PackedTile } from './pack.js'
import { BLANK } from './quantise.js'
import type { Settled, TiledInput } from './write.js'

/** What the structural cards of an image are called in the table that holds it. */
const RENAMED = /^(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT)$/

/** The cards of the table: its own, the description of the tiles, and the image's in their order. */
export function tableCards(
  { cards, bitpix, axes }: TiledInput,
  settled: Settled,
  grid: Grid,
  { bytes, columns }: PackedTable,
  tiles: readonly PackedTile[],
): Card[] {
  const rowBytes = rowBytesOf(columns)
  const own = cards.filter((card) => !RENAMED.test(card.keyword))
  const table: [string, CardValue, string][] = [
    ['XTENSION', 'BINTABLE', 'binary table extension'],
    ['BITPIX', 8, 'bytes'],
    ['NAXIS', 2, 'a table'],
    ['NAXIS1', rowBytes, 'bytes in a row'],
    ['NAXIS2', tiles.length, 'rows, one for each tile'],
    ['PCOUNT', bytes.length - rowBytes * tiles.length, 'bytes of the tiles'],
    ['GCOUNT', 1, 'one group'],
    ['TFIELDS', columns.length, 'columns'],
    ...columns.flatMap(({ name, format }, k): [string, CardValue, string][] => [
      [`TTYPE${k + 1}`, name, ''],
      [`TFORM${k + 1}`, format, ''],
    ]),
    ['ZIMAGE', true, 'this table holds a compressed image'],
  ]
  const renamed = cards
    .filter((card) => RENAMED.test(card.keyword))
    .map((card) => ({ ...card, keyword: card.keyword === 'XTENSION' ? 'ZTENSION' : `Z${card.keyword}` }))
  return [
    ...table.map(toCard),
    ...renamed,
    ...tilingCards(settled, bitpix, axes, grid, tiles).map(toCard),
    ...(own.some((card) => card.keyword === 'EXTNAME') ? [] : [toCard(['EXTNAME', 'COMPRESSED_IMAGE', ''])]),
    ...own,
  ]
}

function tilingCards(
  settled: Settled,
  bitpix: number,
  axes: number[],
  grid: Grid,
  tiles: readonly PackedTile[],
): [string, CardValue, string][] {
  const { type, quantize, blockSize, scale } = settled
  const cards: [string, CardValue, string][] = axes.map((_, k) => [`ZTILE${k + 1}`, grid.tile[k], 'size of a tile'])
  cards.push(['ZCMPTYPE', type, 'compression algorithm'])
  if (type === 'RICE_1') {
    cards.push(['ZNAME1', 'BLOCKSIZE', 'pixels in a block'], ['ZVAL1', blockSize, ''])
    cards.push(['ZNAME2', 'BYTEPIX', 'bytes in a compressed pixel'], ['ZVAL2', quantize ? 4 : bitpix / 8, ''])
  }
  if (type === 'HCOMPRESS_1') {
    cards.push(['ZNAME1', 'SCALE', 'scale of the loss; 0 is lossless'], ['ZVAL1', scale, ''])
    cards.push(['ZNAME2', 'SMOOTH', 'whether to smooth when reading'], ['ZVAL2', 0, ''])
  }
  if (bitpix > 0) return cards
  cards.push(['ZQUANTIZ', methodOf(quantize), 'how floats became integers'])
  if (quantize && quantize.dither !== 'none') cards.push(['ZDITHER0', quantize.seed, 'start of the random numbers'])
  if (tiles.some((tile) => tile.blanks)) cards.push(['ZBLANK', BLANK, 'integer that stands for NaN'])
  return cards
}

function methodOf(quantize: Settled['quantize']): string {
  if (!quantize) return 'NONE'
  return quantize.dither === 'none' ? 'NO_DITHER' : quantize.dither
}

function rowBytesOf(columns: readonly PackedColumn[]): number {
  return columns.reduce((total, { format }) => total + (format.startsWith('1Q') ? 16 : 8), 0)
}

function toCard([keyword, value, comment]: [string, CardValue, string]): Card {
  return { keyword, value, comment }
}
