import type { Card, Header } from './header.js'

/** Keywords of the table that holds a compressed image, not of the image. */
const OF_TABLE =
  /^(TFIELDS|THEAP|CHECKSUM|DATASUM|ZIMAGE|ZCMPTYPE|ZBITPIX|ZNAXIS\d*|ZTILE\d+|ZNAME\d+|ZVAL\d+|ZMASKCMP|ZQUANTIZ|ZDITHER0|ZSIMPLE|ZTENSION|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT|ZHECKSUM|ZDATASUM|ZSCALE|ZZERO|ZBLANK|T(TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|DIM)\d+|XTENSION|SIMPLE|EXTEND|BITPIX|NAXIS\d*|PCOUNT|GCOUNT)$/

/** The header that the image had before it was compressed, from the header of the table that holds it. */
export function compressedImageHeader(table: Header): Header {
  const value = new Map(table.cards.map((card) => [card.keyword, card] as const).reverse())
  const take = (from: string, keyword: string): Card[] => {
    const card = value.get(from)
    return card ? [{ ...card, keyword }] : []
  }
  const integer = Number(value.get('ZBITPIX')?.value) > 0
  const naxis = Number(value.get('ZNAXIS')?.value ?? 0)
  const count = Number.isInteger(naxis) && naxis >= 0 && naxis <= 999 ? naxis : 0
  const shape = [
    ...take('ZBITPIX', 'BITPIX'),
    ...take('ZNAXIS', 'NAXIS'),
    ...Array.from({ length: count }, (_, k) => take(`ZNAXIS${k + 1}`, `NAXIS${k + 1}`)).flat(),
  ]
  const extension: Card[] = take('ZTENSION', 'XTENSION')
  if (extension.length === 0) extension.push({ keyword: 'XTENSION', value: 'IMAGE', comment: 'image extension' })
  const groups: Card[] = [
    { keyword: 'PCOUNT', value: 0, comment: 'no group parameters' },
    { keyword: 'GCOUNT', value: 1, comment: 'one group' },
  ]
  const header: Header = {
    cards: [
      // An image that was the primary HDU is that again.
      ...(value.has('ZSIMPLE') ? take('ZSIMPLE', 'SIMPLE') : extension),
      ...shape,
      ...(value.has('ZSIMPLE') ? take('ZEXTEND', 'EXTEND') : groups),
      ...table.cards.filter((card) => !OF_TABLE.test(card.keyword)).map((card) => ({ ...card })),
      ...(integer && !value.has('BLANK') ? take('ZBLANK', 'BLANK') : []),
      ...take('ZHECKSUM', 'CHECKSUM'),
      ...take('ZDATASUM', 'DATASUM'),
    ],
  }
  const name = header.cards.find((card) => card.keyword === 'EXTNAME')
  if (name?.value === 'COMPRESSED_IMAGE') header.cards.splice(header.cards.indexOf(name), 1)
  return header
}
