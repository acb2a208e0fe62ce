import { plainName } from './names.js'
import type { InstrumentProfile } from './profile.js'

export type HeaderValue = string | number | bigint | boolean | undefined
export type HeaderLookup = (keyword: string) => HeaderValue

/** A header seen through a profile: no value that means none, and a list of what was odd. */
export interface Reader {
  profile: InstrumentProfile
  /** The value of a keyword; undefined where it is absent, empty or one of the texts that mean "no value". */
  value(keyword: string): string | number | boolean | undefined
  /** The same, but also a text that means "no value": a filter called NONE is no filter, not an unknown one. */
  written(keyword: string): string | number | boolean | undefined
  note(text: string): void
  /** Remembers where a fact came from. */
  credit(fact: string, source: string): void
  notes: string[]
  sources: Record<string, string>
}

/** A value and the keyword (or product of keywords) that gave it. */
export interface Found<T> {
  value: T
  source: string
}

export function makeReader(lookup: HeaderLookup, profile: InstrumentProfile): Reader {
  const notes: string[] = []
  const sources: Record<string, string> = {}
  const missing = new Set(profile.values.conventions.missing.map((word) => word.toLowerCase()))
  function written(keyword: string) {
    const raw = lookup(keyword) ?? lookup(alternative(keyword))
    if (raw === undefined || raw === null) return undefined
    if (typeof raw === 'boolean') return raw
    if (typeof raw !== 'string') return Number.isFinite(Number(raw)) ? Number(raw) : undefined
    return raw.trim() || undefined
  }
  function value(keyword: string) {
    const found = written(keyword)
    return typeof found === 'string' && missing.has(found.toLowerCase()) ? undefined : found
  }
  const credit = (fact: string, source: string) => {
    sources[fact] = source
  }
  return { profile, value, written, note: (text) => notes.push(text), credit, notes, sources }
}

/** Some readers keep the word HIERARCH in the keyword, some do not. */
const alternative = (keyword: string): string =>
  keyword.startsWith('HIERARCH ') ? keyword.slice(9) : `HIERARCH ${keyword}`

/** `GAIN unless EGAIN | OFFSET`: a source, and the keywords that must not be there. */
export function splitCondition(source: string): { source: string; unless: string[] } {
  const [what, others] = source.split(/\s+unless\s+/i)
  return { source: what.trim(), unless: others ? others.split('|').map((keyword) => keyword.trim()) : [] }
}

/** The first usable value of a list of sources, as `read` makes it from the raw one. */
export function firstOf<T>(reader: Reader, sources: readonly string[], read: (source: string) => T | undefined) {
  for (const item of sources) {
    const { source, unless } = splitCondition(item)
    const value = read(source)
    if (value === undefined) continue
    const obstacle = unless.find((keyword) => reader.value(keyword) !== undefined)
    if (obstacle === undefined) return { value, source } satisfies Found<T>
    reader.note(`${source} ignored, because there is ${obstacle}`)
  }
  return undefined
}

/** A number, also where the header has it as text, with a Fortran exponent or with its unit behind it. */
export function asNumber(value: string | number | boolean | undefined): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[ed][+-]?\d+)?)(?:\s*[a-z%"'/\-*]+)?$/i.exec(value)
  const number = match ? Number(match[1].replace(/d/i, 'e')) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}

export function asText(value: string | number | boolean | undefined): string | undefined {
  if (value === undefined) return undefined
  return typeof value === 'boolean' ? (value ? 'T' : 'F') : String(value)
}

/** The factors of a product such as `6.2 * SOFTGAIN / 8`; undefined for a plain keyword. */
export function productOf(source: string): { factor: string; power: 1 | -1 }[] | undefined {
  if (!/[*/]/.test(source) && asConstant(source) === undefined) return undefined
  const parts = source.split(/([*/])/).map((part) => part.trim())
  return parts.flatMap((part, k) =>
    k % 2 ? [] : [{ factor: part, power: parts[k - 1] === '/' ? (-1 as const) : (1 as const) }],
  )
}

export const asConstant = (text: string): number | undefined =>
  /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined

/** The number that a source tells: a keyword's, a constant, or the product of several. */
export function numberFrom(reader: Reader, source: string): number | undefined {
  const product = productOf(source)
  if (!product) return asNumber(reader.value(source))
  let result = 1
  for (const { factor, power } of product) {
    const value = asConstant(factor) ?? asNumber(reader.value(factor)) ?? bothAxes(reader.value(factor))
    if (value === undefined || (power < 0 && value === 0)) return undefined
    result = power > 0 ? result * value : result / value
  }
  return result
}

/** A binning such as '2x2' or '2 2' is a factor too. */
function bothAxes(value: string | number | boolean | undefined): number | undefined {
  const [, x, y] = /^(\d+)[x, ]+(\d+)$/i.exec(String(value)) ?? []
  return x !== undefined && x === y ? Number(x) : undefined
}

type FactName = keyof InstrumentProfile['values']['assume']

/** The word that the profile assumes or imposes for a fact. */
export const saidBy = (reader: Reader, part: 'assume' | 'override', fact: FactName): string | undefined =>
  reader.profile.values[part][fact] || undefined

/** A number: the profile's override, else the first usable keyword whose value `accept` allows, else what is assumed. */
export function numericFact(
  reader: Reader,
  fact: 'exposure' | 'gain' | 'read noise' | 'saturation' | 'pixel scale',
  accept: (value: number) => boolean,
): Found<number> | undefined {
  const { values } = reader.profile
  const told = (found: Found<number>) => {
    reader.credit(fact, found.source)
    return found
  }
  const imposed = saidBy(reader, 'override', fact)
  const override = imposed === undefined ? undefined : numberFrom(reader, imposed)
  if (override !== undefined) return told({ value: override, source: 'override' })
  const found = firstOf(reader, values.keywords[fact], (source) => {
    const value = numberFrom(reader, source)
    if (value === undefined || accept(value)) return value
    reader.note(`${source} = ${value} is no ${fact}: ignored`)
    return undefined
  })
  if (found) return told(found)
  const assumed = saidBy(reader, 'assume', fact)
  const value = assumed === undefined ? undefined : numberFrom(reader, assumed)
  return value === undefined ? undefined : told({ value, source: 'assumed' })
}

type WordFact = 'instrument' | 'camera' | 'telescope' | 'site' | 'object' | 'read mode'

export function wordFact(reader: Reader, fact: WordFact): string | undefined {
  const imposed = saidBy(reader, 'override', fact)
  const said = reader.profile.values.keywords[fact]
  const found =
    imposed === undefined
      ? firstOf(reader, said, (source) => asText(reader.value(source)))
      : { value: imposed, source: 'override' }
  const assumed = saidBy(reader, 'assume', fact)
  if (found ?? assumed) reader.credit(fact, found?.source ?? 'assumed')
  return found?.value ?? assumed
}

/** Whether a text is a word of a profile, where * stands for anything; case and blanks around do not count. */
export function matchesWord(text: string, word: string): boolean {
  const plain = text.toLowerCase()
  const [first, ...others] = word.toLowerCase().split('*')
  const last = others.pop()
  if (last === undefined) return plain === first
  // Each part as early as it can be: that leaves the most to those after it.
  let at = plain.startsWith(first) ? first.length : -1
  for (const part of others) {
    const found = at < 0 ? -1 : plain.indexOf(part, at)
    at = found < 0 ? -1 : found + part.length
  }
  return at >= 0 && plain.length - last.length >= at && plain.endsWith(last)
}

/** Our name for what a header says, by a table of aliases: an exact line first, then one with *. */
export function aliasOf(aliases: Readonly<Record<string, string>>, text: string): string {
  const names = Object.keys(aliases)
  const exact = names.find((name) => plainName(name) === plainName(text))
  const found = exact ?? names.find((name) => name.includes('*') && matchesWord(text, name))
  return found === undefined ? text : aliases[found]
}
