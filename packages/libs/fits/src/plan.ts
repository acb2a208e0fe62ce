import { codingOf, type PixelCoding } from './encode-pixels.js'
import type { Card } from './header.js'
import { BLOCK } from './header-reader.js'
import type { NewHdu, NewImage } from './new-hdu.js'
import { headerBytes, imageCards } from './new-header.js'
import { encodeTable } from './table/encode.js'
import { compressedTable } from './tiles.js'

/** Where everything of an HDU goes. */
export interface PlannedHdu {
  cards: Card[]
  headerStart: number
  headerBytes: number
  dataStart: number
  dataBytes: number
  /** Images: their pixels come as rows of `width`. */
  image?: { coding: PixelCoding; width: number; rows: number; source: NewImage }
  /** Everything else: the data themselves. */
  bytes?: Uint8Array
}

export interface FilePlan {
  hdus: PlannedHdu[]
  /** Place in `hdus` of each HDU that the caller gave: an empty primary may have been put before the first. */
  places: number[]
  size: number
}

/** The HDUs of a file in order: an empty primary is put before a first one that cannot be it. */
export function arrange(given: readonly NewHdu[]): { hdu: NewHdu; primary: boolean }[] {
  if (canBePrimary(given[0])) return given.map((hdu, k) => ({ hdu, primary: k === 0 }))
  const empty = { hdu: { kind: 'empty' } as const, primary: true }
  // The image that an empty primary HDU had to make room for is the primary one once it is unpacked.
  return [empty, ...given.map((hdu, k) => ({ hdu, primary: k === 0 && hdu.kind === 'image' }))]
}

/** Lays a whole file out, one HDU behind the other. */
export function planFile(given: readonly NewHdu[]): FilePlan {
  let at = 0
  const hdus = arrange(given).map(({ hdu, primary }) => {
    const planned = planHdu(hdu, primary, at)
    at = endOf(planned)
    return planned
  })
  return { hdus, places: given.map((_, k) => k + hdus.length - given.length), size: at }
}

/** Where the HDU behind this one begins. */
export function endOf(hdu: PlannedHdu): number {
  return hdu.dataStart + Math.ceil(hdu.dataBytes / BLOCK) * BLOCK
}

function canBePrimary(hdu: NewHdu | undefined): boolean {
  return hdu !== undefined && hdu.kind !== 'table' && !(hdu.kind === 'image' && hdu.compress)
}

export function planHdu(hdu: NewHdu, primary: boolean, headerStart: number): PlannedHdu {
  if (hdu.kind === 'table') return place(headerStart, encodeTable(hdu))
  const cards = imageCards(hdu, primary)
  if (hdu.kind === 'empty') return place(headerStart, { cards, bytes: new Uint8Array(0) })
  if (!hdu.compress || !(hdu.pixels || hdu.stored)) return planImage(hdu, cards, headerStart)
  checkedPixels(hdu)
  return place(headerStart, compressedTable(hdu, cards))
}

function planImage(source: NewImage, cards: Card[], headerStart: number): PlannedHdu {
  const { axes, bitpix } = source
  const pixels = checkedPixels(source)
  const width = axes[0]!
  const image = { coding: codingOf(source), width, rows: width === 0 ? 0 : pixels / width, source }
  const header = headerBytes(cards)
  const dataBytes = (Math.abs(bitpix) / 8) * pixels
  return { cards, headerStart, headerBytes: header, dataStart: headerStart + header, dataBytes, image }
}

/** The number of pixels that the axes promise, and that there are when there are any. */
function checkedPixels(source: NewImage): number {
  const { axes } = source
  if (axes.length === 0 || axes.length > 999 || !axes.every((length) => Number.isInteger(length) && length >= 0)) {
    throw new RangeError(`an image of axes [${axes.join(', ')}]`)
  }
  const pixels = axes.reduce((product, length) => product * length, 1)
  if (source.pixels && source.pixels.length !== pixels) {
    throw new RangeError(`${source.pixels.length} pixels for an image of ${axes.join(' x ')}`)
  }
  return pixels
}

function place(headerStart: number, { cards, bytes }: { cards: Card[]; bytes: Uint8Array }): PlannedHdu {
  const header = headerBytes(cards)
  return { cards, headerStart, headerBytes: header, dataStart: headerStart + header, dataBytes: bytes.length, bytes }
}
