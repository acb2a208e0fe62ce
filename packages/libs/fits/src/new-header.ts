import { formatCard } from './card.js'
import { addSums, encodeChecksum, onesSum } from './checksum.js'
import { codingOf } from './encode-pixels.js'
import type { Card, CardValue } from './header.js'
import { BLOCK } from './header-reader.js'
import type { NewEmpty, NewHdu, NewImage } from './new-hdu.js'

/** What a header says about the layout is made anew: cards of these names that come along are left out. */
const STRUCTURAL =
  /^(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|BLOCKED|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM|END|TFIELDS|THEAP|T(TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|DIM|BCOL)\d+|Z(IMAGE|CMPTYPE|BITPIX|NAXIS\d*|TILE\d+|NAME\d+|VAL\d+|MASKCMP|QUANTIZ|DITHER0|SIMPLE|TENSION|EXTEND|BLOCKED|PCOUNT|GCOUNT|HECKSUM|DATASUM|SCALE|ZERO|BLANK))$/

export function card(keyword: string, value: CardValue, comment = ''): Card {
  return { keyword, value, comment }
}

/** Cards of an image or of an HDU without data, before the sums. */
export function imageCards(hdu: NewImage | NewEmpty, primary: boolean): Card[] {
  const axes = hdu.kind === 'image' ? hdu.axes : []
  const cards = [
    primary ? card('SIMPLE', true, 'conforms to the FITS standard') : card('XTENSION', 'IMAGE', 'image extension'),
    card('BITPIX', hdu.kind === 'image' ? hdu.bitpix : 8, bitpixMeaning(hdu)),
    card('NAXIS', axes.length, 'number of axes'),
    ...axes.map((length, k) => card(`NAXIS${k + 1}`, length, `length of axis ${k + 1}`)),
  ]
  if (primary) cards.push(card('EXTEND', true, 'extensions may follow'))
  else cards.push(card('PCOUNT', 0, 'no group parameters'), card('GCOUNT', 1, 'one group'))
  if (hdu.kind === 'image') cards.push(...scalingCards(hdu))
  return [...cards, ...ownCards(hdu)]
}

function bitpixMeaning(hdu: NewImage | NewEmpty): string {
  if (hdu.kind === 'empty') return 'no data'
  return hdu.bitpix < 0 ? `${-hdu.bitpix}-bit floating point` : `${hdu.bitpix}-bit integers`
}

export function scalingCards(image: NewImage): Card[] {
  const { scale, zero, blank } = codingOf(image)
  const cards: Card[] = []
  if (scale !== 1 || zero !== 0) {
    cards.push(card('BSCALE', scale, 'physical = BZERO + BSCALE * stored'))
    cards.push(card('BZERO', zero === 2 ** 63 ? 2n ** 63n : zero, image.unsigned ? 'offset of unsigned integers' : ''))
  }
  if (blank !== undefined) cards.push(card('BLANK', blank, 'stored value of pixels without a value'))
  return cards
}

/** EXTNAME and what the caller's header brings. */
export function ownCards(hdu: NewHdu): Card[] {
  const own = (hdu.header?.cards ?? []).filter((one) => !STRUCTURAL.test(one.keyword))
  if (hdu.name === undefined) return own
  return [card('EXTNAME', hdu.name, 'name of this HDU'), ...own.filter((one) => one.keyword !== 'EXTNAME')]
}

const SUM_CARDS = [card('CHECKSUM', '0000000000000000', 'HDU checksum'), card('DATASUM', '0', 'data unit checksum')]

/** The lines of a header; one with CONTINUE says so first, as fitsverify wants. */
function headerLines(cards: readonly Card[]): string[] {
  const lines = cards.flatMap(formatCard)
  const long = lines.findIndex((line) => line.startsWith('CONTINUE'))
  if (long < 0 || cards.some((one) => one.keyword === 'LONGSTRN')) return lines
  const longstrn = formatCard(card('LONGSTRN', 'OGIP 1.0', 'long strings go on in CONTINUE cards'))
  return [...lines.slice(0, long - 1), ...longstrn, ...lines.slice(long - 1)]
}

/** Bytes that the header will take, sums and END included. */
export function headerBytes(cards: readonly Card[]): number {
  return Math.ceil((80 * (headerLines([...cards, ...SUM_CARDS]).length + 1)) / BLOCK) * BLOCK
}

/** The header as it stands in the file, in exactly `bytes` bytes, with DATASUM and CHECKSUM of the whole HDU. */
export function formatHeader(cards: readonly Card[], dataSum: number, bytes: number): Uint8Array {
  const sums = [SUM_CARDS[0]!, { ...SUM_CARDS[1]!, value: String(dataSum) }]
  const lines = headerLines([...cards, ...sums])
  const text = `${lines.join('')}END`.padEnd(bytes)
  if (text.length > bytes) throw new RangeError(`the header has grown: ${text.length} bytes, room for ${bytes}`)
  const header = Buffer.from(text, 'latin1')
  const at = header.lastIndexOf("'0000000000000000'") + 1
  header.write(encodeChecksum(addSums(onesSum(header), dataSum)), at, 'latin1')
  return header
}
