import { parseNumber } from './value.js'

/** `undefined`: the keyword is there, its value is not. Integers beyond 2^53 come as bigint. */
export type CardValue = string | number | bigint | boolean | undefined

/** One line of a header. COMMENT, HISTORY and blank keywords have their text as value. */
export interface Card {
  keyword: string
  value: CardValue
  comment: string
  /** The value as the file had it, where we would print the same value otherwise; kept so that a copy keeps the bytes. */
  text?: string
}

export interface Header {
  readonly cards: Card[]
}

const COMMENTARY = new Set(['COMMENT', 'HISTORY', '', 'CONTINUE', 'HIERARCH'])

/** True for COMMENT, HISTORY and blank keywords, which repeat and have no value. */
export function isCommentary(keyword: string): boolean {
  return COMMENTARY.has(keyword)
}

/** Upper case, without the word HIERARCH before a long keyword. */
export function normalKeyword(keyword: string): string {
  const upper = keyword.trim().toUpperCase()
  return upper.startsWith('HIERARCH ') ? upper.slice(9).trim() : upper
}

export function createHeader(cards: readonly (readonly [string, CardValue, string?])[] = []): Header {
  const header: Header = { cards: [] }
  for (const [keyword, value, comment] of cards) {
    if (isCommentary(normalKeyword(keyword))) addText(header, normalKeyword(keyword), String(value ?? ''))
    else header.cards.push({ keyword: normalKeyword(keyword), value, comment: comment ?? '' })
  }
  return header
}

export function copyHeader(header: Header): Header {
  return { cards: header.cards.map((card) => ({ ...card })) }
}

/** The first card with this keyword: where a keyword stands twice, readers agree on the first. */
export function findCard(header: Header, keyword: string): Card | undefined {
  const wanted = normalKeyword(keyword)
  return header.cards.find((card) => card.keyword === wanted)
}

export function cardValue(header: Header, keyword: string): CardValue {
  return findCard(header, keyword)?.value
}

/** The value as a number; a string that is one counts (`'12.5'`, `'1.5D3'`). */
export function numberOf(header: Header, keyword: string): number | undefined {
  const value = cardValue(header, keyword)
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' ? parseNumber(value) : undefined
}

/** The value as text without blanks around it; numbers and T or F as they would be printed. */
export function textOf(header: Header, keyword: string): string | undefined {
  const card = findCard(header, keyword)
  if (card?.value === undefined) return undefined
  if (typeof card.value === 'boolean') return card.value ? 'T' : 'F'
  return String(card.value).trim()
}

/** T or F; also the words and numbers that stand for them in old headers ('T', 'true', 'yes', 1). */
export function flagOf(header: Header, keyword: string): boolean | undefined {
  const value = cardValue(header, keyword)
  if (typeof value === 'boolean') return value
  if (value === 1 || value === 0) return value === 1
  if (typeof value !== 'string') return undefined
  if (/^(t|true|y|yes)$/i.test(value.trim())) return true
  return /^(f|false|n|no)$/i.test(value.trim()) ? false : undefined
}

/** Replaces the first card of this keyword, keeping its comment unless another is given, or appends one. */
export function setCard(header: Header, keyword: string, value: CardValue, comment?: string): void {
  const found = findCard(header, keyword)
  if (!found) {
    header.cards.push({ keyword: normalKeyword(keyword), value, comment: comment ?? '' })
    return
  }
  found.value = value
  found.text = undefined
  if (comment !== undefined) found.comment = comment
}

/** Removes every card of this keyword. */
export function removeCard(header: Header, keyword: string): void {
  const wanted = normalKeyword(keyword)
  const kept = header.cards.filter((card) => card.keyword !== wanted)
  header.cards.splice(0, header.cards.length, ...kept)
}

export function addHistory(header: Header, text: string): void {
  addText(header, 'HISTORY', text)
}

export function addComment(header: Header, text: string): void {
  addText(header, 'COMMENT', text)
}

/** Long texts take several cards of 72 characters, broken at a blank where there is one. */
function addText(header: Header, keyword: string, text: string): void {
  for (const line of text.split('\n')) {
    let rest = line
    while (rest.length > 72) {
      const blank = rest.lastIndexOf(' ', 72)
      const cut = blank > 40 ? blank : 72
      header.cards.push({ keyword, value: rest.slice(0, cut), comment: '' })
      rest = rest.slice(blank > 40 ? cut + 1 : cut)
    }
    header.cards.push({ keyword, value: rest, comment: '' })
  }
}
