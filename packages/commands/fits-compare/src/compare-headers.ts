import { type CardValue, cardValue, type Header } from '@nightpipe/fits'
import { close, type Difference, show, type Tolerances } from './difference.js'

/** Sums follow from the content, and are told apart by what they are sums of. */
const ALWAYS_IGNORED = ['CHECKSUM', 'DATASUM', 'CONTINUE']
const TEXTS = ['COMMENT', 'HISTORY', '']

/** Values of the keywords, whatever their order; COMMENT and HISTORY as whole texts. Comments of cards do not count. */
export function compareHeaders(hdu: string, a: Header, b: Header, tolerances: Tolerances): Difference[] {
  const ignored = [...ALWAYS_IGNORED, ...tolerances.ignore].map(pattern)
  const keywords = [...new Set([...a.cards, ...b.cards].map((card) => card.keyword))]
  const out: Difference[] = []
  for (const keyword of keywords) {
    if (ignored.some((one) => one.test(keyword))) continue
    const [left, right] = TEXTS.includes(keyword)
      ? [texts(a, keyword), texts(b, keyword)]
      : [cardValue(a, keyword), cardValue(b, keyword)]
    if (!sameValue(left, right, tolerances)) {
      out.push({
        hdu,
        kind: 'header',
        where: keyword || '(blank)',
        a: show(left),
        b: show(right),
        note: missing(left, right),
      })
    }
  }
  return out
}

const pattern = (word: string) =>
  new RegExp(`^${word.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'i')

const missing = (left: unknown, right: unknown) =>
  left === undefined ? 'only in B' : right === undefined ? 'only in A' : ''

const texts = (header: Header, keyword: string) => {
  const lines = header.cards.filter((card) => card.keyword === keyword).map((card) => String(card.value).trimEnd())
  const text = lines.filter((line) => line !== '').join('\n')
  return text === '' ? undefined : text
}

function sameValue(a: CardValue, b: CardValue, tolerances: Tolerances): boolean {
  if (typeof a === 'number' && typeof b === 'number') return close(a, b, tolerances)
  if (typeof a === 'string' && typeof b === 'string') return a.trimEnd() === b.trimEnd()
  return a === b
}
