import { type Card, findCard, type Header, isCommentary } from '@nightpipe/fits'

/** Cards that speak of an axis by its number, or of two. */
const OF_AXES = /^(?:C(?:TYPE|UNIT|RPIX|RVAL|DELT|ROTA|RDER|SYER)(\d+)|P[VS](\d+)_\d+|(?:CD|PC)(\d+)_(\d+))$/

/** Equinoxes that the old keyword EPOCH stands for; another number in it may be a date. */
const EQUINOXES = [1900, 1950, 2000]

/**
 * What a header brings along from other tools, as the standard wants it and all readers take it: a keyword stands once, as
 * it stood first (what it says besides becomes a comment); an equinox is called so; where there is no image, the plate
 * solution says of how many axes it speaks, and has one matrix. Changes `header`.
 */
export function tidyHeader(header: Header, withImage: boolean): void {
  const cards = once(header.cards.filter((card) => !isVoid(card, header)))
  header.cards.splice(0, header.cards.length, ...cards)
  const epoch = findCard(header, 'EPOCH')
  if (epoch && EQUINOXES.includes(Number(epoch.value))) {
    if (findCard(header, 'EQUINOX')) header.cards.splice(header.cards.indexOf(epoch), 1)
    else epoch.keyword = 'EQUINOX'
  }
  const equinox = findCard(header, 'EQUINOX')
  if (typeof equinox?.value === 'string') equinox.value = yearOf(equinox.value)
  const axes = findCard(header, 'WCSAXES')
  if (axes) Object.assign(axes, { value: Number(axes.value), text: undefined }) // 2. is no number of axes
  if (!withImage) countAxes(header.cards)
}

/** An equinox that is none, and a second matrix of the plate solution: readers take the CD. */
function isVoid({ keyword, value }: Card, header: Header): boolean {
  if (keyword === 'EQUINOX') return !yearOf(value)
  return /^PC\d+_\d+$/.test(keyword) && findCard(header, 'CD1_1') !== undefined
}

/** The year of an equinox, also of one that is written J2000.0. */
const yearOf = (value: Card['value']) => Number(/^\s*[JB]?(\d{4}(?:\.\d*)?)\s*$/.exec(String(value ?? ''))?.[1] ?? 0)

function once(cards: readonly Card[]): Card[] {
  const first = new Map<string, Card>()
  return cards.flatMap((card) => {
    const before = first.get(card.keyword)
    if (isCommentary(card.keyword) || !before) {
      first.set(card.keyword, card)
      return [card]
    }
    if (before.value === card.value) return []
    return [commentOf(card)]
  })
}

function commentOf({ keyword, value, comment }: Card): Card {
  const text = [value ?? '', comment].filter((part) => part !== '').join(' / ')
  return { keyword: 'COMMENT', value: `${keyword} ${text}`.slice(0, 72), comment: '', text: undefined }
}

/** Says of how many axes the cards of a plate solution speak, before the first of them; without a solution they are comments. */
function countAxes(cards: Card[]): void {
  const axes = cards.flatMap(({ keyword }) =>
    (OF_AXES.exec(keyword) ?? []).slice(1).map((digits) => Number(digits ?? 0)),
  )
  if (axes.length === 0) return
  if (!cards.some(({ keyword }) => keyword === 'CTYPE1')) {
    for (const card of cards.filter(({ keyword }) => OF_AXES.test(keyword))) Object.assign(card, commentOf(card))
    return
  }
  const before = cards.findIndex(({ keyword }) => keyword === 'WCSAXES')
  const said = before < 0 ? [] : cards.splice(before, 1)
  const first = cards.findIndex(({ keyword }) => OF_AXES.test(keyword))
  cards.splice(
    first,
    0,
    said[0] ?? { keyword: 'WCSAXES', value: Math.max(...axes), comment: 'axes of the plate solution' },
  )
}
