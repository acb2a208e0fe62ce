import { FitsError } from './errors.js'
import type { HduKind } from './hdu.js'
import { type CardValue, type Header, normalKeyword } from './header.js'

/** What the mandatory keywords say about the data of an HDU. */
export interface Layout {
  kind: HduKind
  compressed: boolean
  bitpix: number
  axes: number[]
  dataBytes: number
}

const BITPIX = [8, 16, 32, 64, -32, -64]
const MOST_AXES = 999

/** The values of a header by keyword, the first of each; headers are long, and tables ask thousands of questions. */
export function valueIndex(header: Header): Map<string, CardValue> {
  const index = new Map<string, CardValue>()
  for (const card of header.cards) if (!index.has(card.keyword)) index.set(card.keyword, card.value)
  return index
}

/** Checks the mandatory keywords, each of them hostile until it proved sane. `place` goes into messages. */
export function layoutOf(header: Header, place: { file: string; hdu: number; byte: number }): Layout {
  const values = valueIndex(header)
  const wrong = (problem: string) => new FitsError(place, problem, 'the header is damaged')
  const count = (keyword: string, fallback?: number): number => {
    const value = values.has(keyword) ? values.get(keyword) : fallback
    if (value === undefined) throw wrong(`${keyword} is missing`)
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw wrong(`${keyword} is ${show(value)}, not a count`)
  }
  const bitpix = values.get('BITPIX')
  if (typeof bitpix !== 'number' || !BITPIX.includes(bitpix)) {
    throw wrong(`BITPIX is ${show(bitpix)}, not one of ${BITPIX.join(', ')}`)
  }
  const naxis = count('NAXIS')
  if (naxis > MOST_AXES) throw wrong(`NAXIS is ${naxis}, more than ${MOST_AXES}`)
  const axes = Array.from({ length: naxis }, (_, k) => count(`NAXIS${k + 1}`))
  const extension = values.get('XTENSION')
  const groups = extension === undefined && values.get('GROUPS') === true && axes[0] === 0
  const parameters = extension === undefined && !groups ? 0 : count('PCOUNT', 0)
  const times = extension === undefined && !groups ? 1 : count('GCOUNT', 1)
  const elements = product(groups ? axes.slice(1) : axes, naxis === 0 ? 0 : 1)
  const dataBytes = (Math.abs(bitpix) / 8) * times * (parameters + elements)
  if (!Number.isSafeInteger(dataBytes)) throw wrong(`axes ${axes.join(' x ')} hold more than any file can`)
  const kind = kindOf(extension, groups, naxis)
  return { kind, compressed: kind === 'table' && values.get('ZIMAGE') === true, bitpix, axes, dataBytes }
}

function kindOf(extension: CardValue, groups: boolean, naxis: number): HduKind {
  if (groups) return 'groups'
  const type = extension === undefined ? 'IMAGE' : normalKeyword(String(extension))
  if (type === 'IMAGE' || type === 'IUEIMAGE') return naxis === 0 ? 'empty' : 'image'
  if (type === 'BINTABLE' || type === 'A3DTABLE') return 'table'
  return type === 'TABLE' ? 'ascii' : 'other'
}

function product(axes: readonly number[], none: number): number {
  // A zero anywhere means no data, however absurd its neighbours.
  if (axes.includes(0)) return 0
  return axes.length === 0 ? none : axes.reduce((total, length) => total * length, 1)
}

export function show(value: CardValue): string {
  if (value === undefined) return 'undefined'
  return typeof value === 'string' ? `'${value}'` : String(value)
}
