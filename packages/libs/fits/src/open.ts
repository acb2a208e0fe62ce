import { basename } from 'node:path'
import { compressedImageHeader } from './compressed-header.js'
import { FitsError } from './errors.js'
import { gunzipSource, startsAsFits } from './gunzip.js'
import type { FitsFile, Hdu, StoredHdu } from './hdu.js'
import { type Header, numberOf, textOf } from './header.js'
import { BLOCK, readHeader } from './header-reader.js'
import { layoutOf } from './layout.js'
import { describeForeign, isGzip } from './sniff.js'
import { bytesSource, fileSource, type Source } from './source.js'

/** More HDUs than any instrument writes: a guard against files made of millions of empty headers. */
const MOST_HDUS = 10_000
/** And against endless headers, many times over. */
const MOST_CARDS = 1_000_000

/**
 * Opens a FITS file or the bytes of one: reads and checks every header, and no data yet. A whole-file gzip, whatever its
 * name, is inflated in memory. Damage throws a `FitsError` naming the HDU and the byte. What follows the last HDU is
 * ignored. Close it when done.
 */
export function openFits(source: string | Uint8Array, options: { name?: string } = {}): FitsFile {
  const path = typeof source === 'string' ? source : undefined
  const name = options.name ?? (path === undefined ? 'FITS data' : basename(path))
  const raw = typeof source === 'string' ? fileSource(name, source) : bytesSource(name, source)
  try {
    const plain = plainSource(raw)
    const file: FitsFile = { name, ...(path !== undefined && { path }), hdus: [], close: () => plain.close() }
    file.hdus = readHdus(file, plain)
    return file
  } catch (error) {
    raw.close()
    throw error
  }
}

/** The source itself, or the inflated bytes of a gzip; anything that is not FITS is named and refused. */
function plainSource(raw: Source): Source {
  const start = new Uint8Array(Math.min(BLOCK, raw.size))
  raw.read(0, start)
  if (isGzip(start)) {
    const inflated = gunzipSource(raw)
    raw.close()
    return inflated
  }
  if (startsAsFits(start)) return raw
  const { what, advice } = describeForeign(start, raw.size)
  throw new FitsError({ file: raw.name }, what, advice)
}

function readHdus(file: FitsFile, source: Source): Hdu[] {
  const hdus: StoredHdu[] = []
  let cards = 0
  for (let at = 0; at < source.size && hdus.length < MOST_HDUS; ) {
    if (hdus.length > 0 && !startsExtension(source, hdus.length, at)) break
    const hdu = readHdu(file, source, hdus.length, at)
    hdus.push(hdu)
    cards += hdu.stored.cards.length
    if (cards > MOST_CARDS) {
      throw new FitsError(
        { file: source.name, hdu: hdu.index, byte: at },
        `more than ${MOST_CARDS} cards in its headers`,
      )
    }
    at = hdu.dataStart + Math.ceil(hdu.dataBytes / BLOCK) * BLOCK
  }
  return hdus
}

/** False for what may follow the last HDU; a header whose first card is damaged is not passed over. */
function startsExtension(source: Source, index: number, at: number): boolean {
  const start = Buffer.alloc(Math.min(BLOCK, source.size - at))
  source.read(at, start)
  const text = start.toString('latin1')
  if (text.startsWith('XTENSION')) return true
  for (let k = 0; k < text.length; k += 80) {
    if (!/^(BITPIX|NAXIS) *= /.test(text.slice(k, k + 10))) continue
    const problem = 'the header of an extension does not begin with XTENSION'
    throw new FitsError({ file: source.name, hdu: index, byte: at }, problem, 'the file is damaged')
  }
  return false
}

function readHdu(file: FitsFile, source: Source, index: number, headerStart: number): StoredHdu {
  const { header: stored, end: dataStart } = readHeader(source, index, headerStart)
  const layout = layoutOf(stored, { file: source.name, hdu: index, byte: headerStart })
  if (layout.dataBytes > 0 && dataStart + layout.dataBytes > source.size) {
    const there = Math.max(0, source.size - dataStart)
    throw new FitsError(
      { file: source.name, hdu: index, byte: source.size },
      `the header promises ${layout.dataBytes} bytes of data, and only ${there} are there`,
      'the file is truncated or damaged',
    )
  }
  const { dataBytes } = layout
  const image = layout.compressed ? compressedImageHeader(stored) : stored
  const shown = layout.compressed ? layoutOf(image, { file: source.name, hdu: index, byte: headerStart }) : layout
  return {
    ...{ file, index, source, stored, headerStart, dataStart, dataBytes, ...naming(image) },
    ...{ kind: shown.kind, compressed: layout.compressed, header: image, axes: shown.axes, bitpix: shown.bitpix },
  }
}

function naming(header: Header): { name: string; version: number } {
  return { name: (textOf(header, 'EXTNAME') ?? '').toUpperCase(), version: numberOf(header, 'EXTVER') ?? 1 }
}
