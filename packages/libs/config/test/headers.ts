import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { FIXTURES, lackingFixtures } from '@nightpipe/testing'
import { describeFrame, type FrameFacts, type FrameShape, type HeaderLookup, loadProfile } from '../src/index.js'

/** Real frames, not part of the repository. */
export const missing = lackingFixtures()

export interface Header {
  lookup: HeaderLookup
  width: number
  height: number
}

/** The first header with an image in a file: enough of a card scanner to test profiles without the fits library. */
export function readHeader(file: string): Header {
  const raw = readFileSync(join(FIXTURES, file))
  const bytes = file.endsWith('.gz') ? gunzipSync(raw) : raw
  let cards = new Map<string, string | number | boolean>()
  for (let at = 0; at + 80 <= bytes.length; at += 80) {
    const card = bytes.toString('latin1', at, at + 80)
    const [, keyword, text] = /^(?:HIERARCH )?([^=]+?) *= *(.*)$/.exec(card) ?? []
    if (keyword && !cards.has(keyword)) cards.set(keyword, readCard(text))
    if (!/^END {77}$/.test(card)) continue
    const inherited = cards
    if (
      cards.get('NAXIS') !== 0 ||
      bytes.toString('latin1', Math.ceil((at + 80) / 2880) * 2880, Math.ceil((at + 80) / 2880) * 2880 + 8) !==
        'XTENSION'
    )
      break
    // An empty primary: go on with the extension, whose keywords come first.
    at = Math.ceil((at + 80) / 2880) * 2880 - 80
    cards = new Map([...inherited].filter(([key]) => !/^(NAXIS|BITPIX|SIMPLE)/.test(key)))
  }
  const size = (axis: number) => Number(cards.get(`ZNAXIS${axis}`) ?? cards.get(`NAXIS${axis}`))
  return { lookup: (keyword) => cards.get(keyword), width: size(1), height: size(2) }
}

function readCard(text: string): string | number | boolean {
  const quoted = /^'((?:[^']|'')*)'/.exec(text)
  if (quoted) return quoted[1].replaceAll("''", "'").trimEnd()
  const bare = text.split('/')[0].trim()
  if (bare === 'T' || bare === 'F') return bare === 'T'
  return bare === '' || Number.isNaN(Number(bare.replace('D', 'E'))) ? bare : Number(bare.replace('D', 'E'))
}

/** A header made of pairs. */
export const headerOf =
  (cards: Record<string, string | number | boolean>): HeaderLookup =>
  (keyword) =>
    cards[keyword]

const generic = loadProfile('generic')

export type Cards = Record<string, string | number | boolean>

/** What the generic profile makes of a few cards. */
export const facts = (cards: Cards, shape: Partial<FrameShape> = {}): FrameFacts =>
  describeFrame(headerOf(cards), generic, { width: 2148, height: 2048, ...shape })

export const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 })
