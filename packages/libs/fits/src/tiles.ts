import { readRows } from './copy-image.js'
import { codingOf, encodePixels } from './encode-pixels.js'
import { FitsError } from './errors.js'
import type { StoredHdu } from './hdu.js'
import type { Card } from './header.js'
import { valueIndex } from './layout.js'
import type { NewImage } from './new-hdu.js'
import { compressImage, readTiledRows, type TiledImage, TileError, tiledImage, tileLayout } from './tile/index.js'

const opened = new WeakMap<StoredHdu, TiledImage>()

/**
 * Stored values of a tile-compressed image, as the bytes that an uncompressed file would hold: whole rows from `first`
 * on, counted through all planes, into all of `into`.
 */
export function readStoredRows(hdu: StoredHdu, first: number, rows: number, into: Uint8Array): void {
  try {
    readTiledRows(tiledImageOf(hdu), first, rows, into)
  } catch (cause) {
    if (!(cause instanceof TileError)) throw cause
    throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, cause.message, 'the compressed image is damaged', {
      cause,
    })
  }
}

function tiledImageOf(hdu: StoredHdu): TiledImage {
  const known = opened.get(hdu)
  if (known) return known
  const values = valueIndex(hdu.stored)
  const { source, dataStart, dataBytes } = hdu
  const read = (offset: number, into: Uint8Array) => source.read(dataStart + offset, into)
  const image = tiledImage(
    tileLayout((keyword) => values.get(keyword)),
    { bytes: dataBytes, read },
  )
  opened.set(hdu, image)
  return image
}

/** The table that holds a new image, compressed as it asks. */
export function compressedTable(image: NewImage, cards: Card[]): { cards: Card[]; bytes: Uint8Array } {
  const { bitpix, axes, pixels, stored, compress } = image
  const coding = codingOf(image)
  const width = axes[0]!
  const rows = (first: number, into: Uint8Array) => {
    if (stored) readRows(stored, first, into)
    else encodePixels(pixels!, first * width, coding, into)
  }
  return compressImage({ cards, bitpix, axes, rows }, compress!)
}
