import { type Card, isCommentary, normalKeyword } from './header.js'
import { formatNumber, parseValue } from './value.js'

export const CARD = 80
const PLAIN_KEYWORD = /^[A-Z0-9_-]{1,8}$/
/** Cards that somebody typed: the equals sign is not in column 9. */
const MISPLACED = /^ {0,7}([A-Za-z0-9_-]{1,8}) *= /

/** One card of 80 characters. CONTINUE cards are joined by `joinContinued`. */
export function parseCard(line: string): Card {
  const keyword = line.slice(0, 8).trim().toUpperCase()
  if (keyword === 'COMMENT' || keyword === 'HISTORY' || keyword === '') return commentary(keyword, line.slice(8))
  if (keyword === 'CONTINUE') return { keyword, ...parseValue(line.slice(8)) }
  if (keyword === 'HIERARCH') {
    const equals = line.indexOf('=')
    if (equals < 0) return commentary(keyword, line.slice(8))
    return { keyword: normalKeyword(line.slice(9, equals)), ...parseValue(line.slice(equals + 1)) }
  }
  if (line[8] === '=') return { keyword, ...parseValue(line.slice(9)) }
  const misplaced = MISPLACED.exec(line.slice(0, 18))
  if (misplaced) return { keyword: misplaced[1]!.toUpperCase(), ...parseValue(line.slice(misplaced[0].length)) }
  return commentary(keyword, line.slice(8))
}

function commentary(keyword: string, text: string): Card {
  return { keyword, value: text.trimEnd(), comment: '' }
}

/** Joins the pieces of long strings: a string that ends in `&` goes on in the CONTINUE card after it. */
export function joinContinued(cards: readonly Card[]): Card[] {
  const joined: Card[] = []
  for (let i = 0; i < cards.length; i++) {
    const card = cards[i]!
    joined.push(card)
    if (!goesOn(card) || cards[i + 1]?.keyword !== 'CONTINUE') continue
    const pieces: string[] = []
    const comments: string[] = []
    let last = card
    for (;;) {
      const next = cards[i + 1]
      const more = goesOn(last) && next?.keyword === 'CONTINUE'
      pieces.push(more ? String(last.value).slice(0, -1) : String(last.value ?? ''))
      if (last.comment) comments.push(last.comment)
      if (!more) break
      last = next
      i++
    }
    card.value = pieces.join('')
    card.comment = comments.join(' ')
  }
  return joined
}

function goesOn(card: Card): boolean {
  if (typeof card.value !== 'string' || !card.value.endsWith('&')) return false
  return card.keyword === 'CONTINUE' || !isCommentary(card.keyword)
}

/** The card as lines of 80 characters: one, or several when a string is long. */
export function formatCard(card: Card): string[] {
  const keyword = ascii(card.keyword)
  if (isCommentary(card.keyword)) return formatCommentary(keyword, ascii(String(card.value ?? '')))
  const plain = PLAIN_KEYWORD.test(keyword)
  const head = plain ? `${keyword.padEnd(8)}= ` : `HIERARCH ${keyword} = `
  const text = card.text !== undefined && head.length + card.text.length <= CARD ? card.text : undefined
  if (head.length > 60) throw tooLong(card)
  if (typeof card.value === 'string' && text === undefined) return formatString(head, ascii(card.value), card.comment)
  const value = text ?? plainValue(card.value)
  const line = head + (plain ? value.padStart(20) : value)
  if (line.length > CARD) throw tooLong(card)
  return [withComment(line, card.comment)]
}

function tooLong({ keyword }: Card): RangeError {
  return new RangeError(`the keyword ${keyword} is too long for a FITS header`)
}

function plainValue(value: Card['value']): string {
  if (typeof value === 'boolean') return value ? 'T' : 'F'
  if (value === undefined || typeof value === 'string') return ''
  // A header has no notation for NaN and infinity: the value is left undefined.
  return typeof value === 'number' && !Number.isFinite(value) ? '' : formatNumber(value)
}

function formatCommentary(keyword: string, text: string): string[] {
  const lines: string[] = []
  for (let at = 0; at === 0 || at < text.length; at += 72) {
    lines.push((keyword.padEnd(8) + text.slice(at, at + 72)).padEnd(CARD))
  }
  return lines
}

function formatString(head: string, value: string, comment: string): string[] {
  const quoted = value.replaceAll("'", "''")
  const room = CARD - head.length - 2
  if (quoted.length <= room) return [withComment(`${head}'${quoted.padEnd(8)}'`.padEnd(30), comment)]
  const pieces = cutQuoted(quoted, room - 1)
  return pieces.map((piece, k) => {
    const start = k === 0 ? head : 'CONTINUE  '
    const last = k === pieces.length - 1
    return withComment(`${start}'${piece}${last ? '' : '&'}'`, last ? comment : '')
  })
}

/** Pieces of at most `first`, then 67 characters, that do not cut a doubled quote in two. */
function cutQuoted(quoted: string, first: number): string[] {
  const pieces: string[] = []
  let rest = quoted
  let room = first
  while (rest.length > room) {
    let cut = room
    const quotes = /'*$/.exec(rest.slice(0, cut))![0].length
    if (quotes % 2 === 1) cut--
    pieces.push(rest.slice(0, cut))
    rest = rest.slice(cut)
    room = 67
  }
  pieces.push(rest)
  return pieces
}

/** A comment that does not fit is cut: only strings can go on in a second card. */
function withComment(line: string, comment: string): string {
  const text = ascii(comment).trim()
  const room = CARD - line.length - 3
  if (text === '' || room < 4) return line.padEnd(CARD)
  return `${line} / ${text.slice(0, room)}`.padEnd(CARD)
}

/** Headers are printable ASCII: accents are dropped, what is left becomes a question mark. */
function ascii(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  const plain = text.normalize('NFKD').replace(/[\u0300-\u036f]/g, '')
  return plain.replace(/[^\x20-\x7e]/g, '?')
}
