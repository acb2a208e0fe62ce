import { type Card, findCard, type Header } from '@nightpipe/fits'

/** Keywords that may stand in a header more than once. */
const REPEATED = /^(COMMENT|HISTORY|CONTINUE|HIERARCH|)$/
const COORDINATES =
  /^(WCSAXES|C(TYPE|UNIT|RPIX|RVAL|DELT|ROTA)\d+|(CD|PC|PV|PS)\d+_\d+|LONPOLE|LATPOLE|(A|B|AP|BP)_(ORDER|\d_\d))$/
const DATE = /^(\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?|\d\d\/\d\d\/\d\d)$/

/**
 * What cameras write against the standard is not carried into a product: the second of two equal keywords, a date or an
 * equinox that is none, EPOCH for EQUINOX, and pieces of a plate solution that make none.
 */
export function tidyHeader(header: Header): void {
  const complete = findCard(header, 'CTYPE1') !== undefined && findCard(header, 'CTYPE2') !== undefined
  const byCd = header.cards.some(({ keyword }) => /^CD\d_\d$/.test(keyword))
  const seen = new Set<string>()
  const kept = header.cards.flatMap((card): Card[] => {
    const { keyword, value } = card
    if (REPEATED.test(keyword)) return [card]
    if (seen.has(keyword)) return []
    seen.add(keyword)
    if (keyword === 'WCSAXES' || (!complete && COORDINATES.test(keyword))) return []
    if (byCd && /^PC\d_\d$/.test(keyword)) return []
    if (keyword === 'DATE') return typeof value === 'string' && DATE.test(value.trim()) ? [card] : []
    if (keyword === 'EQUINOX') return equinox(card)
    if (keyword === 'EPOCH') return findCard(header, 'EQUINOX') ? [] : equinox(card)
    return [card]
  })
  header.cards.splice(0, header.cards.length, ...kept)
}

/** The year, which many write as text, and some not at all. */
function equinox({ value, comment }: Card): Card[] {
  const year = Number(String(value ?? '').replace(/^\s*[JB]?/, '') || Number.NaN)
  return Number.isFinite(year) ? [{ keyword: 'EQUINOX', value: year, comment }] : []
}
