import type { CardValue } from './header.js'

/** What stands in a card after its `= `. */
export interface ParsedValue {
  value: CardValue
  /** The value as it was written, when it would not be written so again: `1.50`, `2D3`, `(1.0, 2.0)`. */
  text?: string
  comment: string
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[EDed][+-]?\d+)?$/
const INTEGER = /^[+-]?\d+$/

/**
 * Reads the value field of a card: a quoted string, T or F, a number (also with a D exponent), a complex pair (kept as
 * its text), or nothing. Anything else is kept as text: old headers hold `NaN`, `t` or `12:30:05` without quotes.
 */
export function parseValue(field: string): ParsedValue {
  const start = field.search(/[^ ]/)
  if (start < 0) return { value: undefined, comment: '' }
  if (field[start] === "'") return parseString(field, start + 1)
  if (field[start] === '(') {
    const end = field.indexOf(')', start)
    if (end > 0) {
      const text = field.slice(start, end + 1)
      return { value: text, text, comment: commentAfter(field, end + 1) }
    }
  }
  const slash = field.indexOf('/', start)
  const token = field.slice(start, slash < 0 ? undefined : slash).trimEnd()
  return { ...parseToken(token), comment: slash < 0 ? '' : field.slice(slash + 1).trim() }
}

function parseToken(token: string): { value: CardValue; text?: string } {
  if (token === 'T') return { value: true }
  if (token === 'F') return { value: false }
  if (token === '') return { value: undefined }
  if (!NUMBER.test(token)) return { value: token }
  const value = Number(token.replace(/[dD]/, 'E'))
  if (INTEGER.test(token) && !Number.isSafeInteger(value))
    return { value: BigInt(token.replace(/^\+/, '')), text: token }
  if (!Number.isFinite(value)) return { value: token }
  return formatNumber(value) === token ? { value } : { value, text: token }
}

/** A string from after its opening quote. A quote inside is written twice; blanks at the end do not count. */
function parseString(field: string, start: number): ParsedValue {
  let end = start
  for (;;) {
    end = field.indexOf("'", end)
    if (end < 0) return { value: unquote(field.slice(start)), comment: '' } // never closed: all of it
    if (field[end + 1] !== "'") break
    end += 2
  }
  return { value: unquote(field.slice(start, end)), comment: commentAfter(field, end + 1) }
}

function unquote(text: string): string {
  return text.replaceAll("''", "'").trimEnd()
}

function commentAfter(field: string, from: number): string {
  const slash = field.indexOf('/', from)
  return slash < 0 ? '' : field.slice(slash + 1).trim()
}

/** A number so that it reads back exactly, in the fewest digits: `0.1`, `1.0E-07`, `300`. */
export function formatNumber(value: number | bigint): string {
  if (typeof value === 'bigint') {
    const digits = value.toString()
    return digits.length <= 60 ? digits : formatNumber(Number(value))
  }
  if (Object.is(value, -0)) return '-0.0'
  const text = Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value)
  const e = text.indexOf('e')
  if (e < 0) return text
  const mantissa = text.slice(0, e)
  const exponent = text.slice(e + 1)
  const sign = exponent.startsWith('-') ? '-' : '+'
  const digits = exponent.replace(/^[+-]/, '').padStart(2, '0')
  return `${mantissa.includes('.') ? mantissa : mantissa + '.0'}E${sign}${digits}`
}

/** A text that is nothing but a number; D exponents as well. */
export function parseNumber(text: string): number | undefined {
  const token = text.trim()
  if (!NUMBER.test(token)) return undefined
  const value = Number(token.replace(/[dD]/, 'E'))
  return Number.isFinite(value) ? value : undefined
}
