import { CARD, joinContinued, parseCard } from './card.js'
import { FitsError } from './errors.js'
import type { Header } from './header.js'
import type { Source } from './source.js'

export const BLOCK = 2880
/** No real header comes near 100 000 cards; a longer one is damage, or made to fill the machine. */
const MOST_CARDS = 100_000

/** Reads the header that starts at `start`; `end` is where its data begin. */
export function readHeader(source: Source, hdu: number, start: number): { header: Header; end: number } {
  const lines: string[] = []
  let chunk = new Uint8Array(0)
  for (let at = start; ; at += chunk.length) {
    // Most headers fit in the first three blocks; long ones are read in larger pieces.
    const wanted = at === start ? 3 * BLOCK : 12 * BLOCK
    const left = Math.floor((source.size - at) / CARD) * CARD
    if (left <= 0) throw noEnd(source, hdu, source.size)
    chunk = new Uint8Array(Math.min(wanted, left))
    source.read(at, chunk)
    const text = Buffer.from(chunk.buffer).toString('latin1')
    for (let k = 0; k < text.length; k += CARD) {
      const line = text.slice(k, k + CARD)
      if (line.startsWith('END') && line.slice(3).trim() === '') return finish(lines, start, at + k)
      if (line.charCodeAt(0) === 0) throw noEnd(source, hdu, at + k)
      if (lines.length >= MOST_CARDS) throw noEnd(source, hdu, at + k)
      lines.push(line)
    }
  }
}

function finish(lines: string[], start: number, endCard: number): { header: Header; end: number } {
  const blocks = Math.ceil((endCard + CARD - start) / BLOCK)
  const cards = lines.map((line) => parseCard(clean(line)))
  while (cards.length > 0 && isBlank(cards.at(-1)!)) cards.pop()
  return { header: { cards: joinContinued(cards) }, end: start + blocks * BLOCK }
}

function isBlank(card: { keyword: string; value: unknown }): boolean {
  return card.keyword === '' && card.value === ''
}

/** Control characters that careless programs leave in headers become blanks. */
function clean(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return line.replace(/[\x00-\x1f\x7f]/g, ' ')
}

function noEnd(source: Source, hdu: number, byte: number): FitsError {
  return new FitsError(
    { file: source.name, hdu, byte },
    'the header has no END card',
    'the file is truncated or damaged',
  )
}
