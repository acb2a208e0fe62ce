/** The words in which a command declares the keys of its INI, once: parsing, help, samples and manual follow from them. */

export type OptionKind = 'number' | 'integer' | 'text' | 'flag' | 'choice' | 'list' | 'numbers' | 'path'

export interface Option<T = unknown> {
  kind: OptionKind
  /** Undefined for a key that must be given, or, with `optional`, for one that may stay without a value. */
  default: T | undefined
  optional: boolean
  doc: string
  unit?: string
  min?: number
  max?: number
  choices?: readonly string[]
  /** For a choice: other spellings, and the choice that each means. */
  synonyms?: Readonly<Record<string, string>>
  /** Other names under which the key is read. */
  alias: readonly string[]
  /** False for keys that cannot change a product: they stay out of digests. */
  digest: boolean
}

/** What may be said about any key. */
export interface Details {
  unit?: string
  alias?: readonly string[]
  /** With no default: the key may stay away, and is then undefined. */
  optional?: boolean
  digest?: boolean
}
export interface NumberDetails extends Details {
  min?: number
  max?: number
}
export interface ChoiceDetails extends Details {
  synonyms?: Readonly<Record<string, string>>
}
type Optional = { optional: true }

function make<T>(kind: OptionKind, value: T | undefined, doc: string, details: Details = {}): Option<T> {
  return { kind, default: value, doc, ...details, optional: details.optional ?? false, ...rest(details) }
}
const rest = (details: Details) => ({ alias: details.alias ?? [], digest: details.digest ?? true })

/** A number, with its unit and the range that makes sense. */
export function number(value: number | undefined, doc: string, details?: NumberDetails): Option<number>
export function number(value: undefined, doc: string, details: NumberDetails & Optional): Option<number | undefined>
export function number(value: number | undefined, doc: string, details?: NumberDetails): Option<number | undefined> {
  return make('number', value, doc, details)
}

export function integer(value: number | undefined, doc: string, details?: NumberDetails): Option<number>
export function integer(value: undefined, doc: string, details: NumberDetails & Optional): Option<number | undefined>
export function integer(value: number | undefined, doc: string, details?: NumberDetails): Option<number | undefined> {
  return make('integer', value, doc, details)
}

export const text = (value: string | undefined, doc: string, details?: Details): Option<string> =>
  make('text', value, doc, details)

/** yes or no; also true, false, on, off, 1 and 0. */
export const flag = (value: boolean | undefined, doc: string, details?: Details): Option<boolean> =>
  make('flag', value, doc, details)

/** One of a few words, in any case. */
export const choice = <const C extends string>(
  value: C | undefined,
  choices: readonly C[],
  doc: string,
  details?: ChoiceDetails,
): Option<C> => ({ ...make('choice', value, doc, details), choices })

/** Words separated by commas. */
export const list = (value: readonly string[] | undefined, doc: string, details?: Details): Option<string[]> =>
  make('list', value && [...value], doc, details)

/** Numbers separated by commas. */
export const numbers = (value: readonly number[] | undefined, doc: string, details?: NumberDetails): Option<number[]> =>
  make('numbers', value && [...value], doc, details)

/** A file or folder, as given (relative to the working directory). Only its last part enters digests. */
export const path = (value: string | undefined, doc: string, details?: Details): Option<string> =>
  make('path', value, doc, details)

export type Keys = Readonly<Record<string, Option>>

/** A section that needs more said about it than its keys. */
export interface Section<K extends Keys = Keys, P extends boolean = boolean, O extends boolean = boolean> {
  kind: 'section'
  doc: string
  keys: K
  /** Also `[name.flat]`, `[name.dark.C1]` …: each inherits from the shorter names. */
  pattern: P
  /** Undefined when the file does not have it. */
  optional: O
}

/** A section in which any key may stand, all of one kind: aliases, limits for each filter. */
export interface FreeSection<T = unknown> {
  kind: 'free'
  doc: string
  option: Option<T>
}

export type Schema = Readonly<Record<string, Keys | Section | FreeSection>>

export function section<K extends Keys, const P extends boolean = false, const O extends boolean = false>(
  doc: string,
  keys: K,
  details: { pattern?: P; optional?: O } = {},
): Section<K, P, O> {
  return {
    kind: 'section',
    doc,
    keys,
    pattern: (details.pattern ?? false) as P,
    optional: (details.optional ?? false) as O,
  }
}

export const freeSection = <T>(doc: string, option: Option<T>): FreeSection<T> => ({ kind: 'free', doc, option })

type Value<O> = O extends Option<infer T> ? T : never
export type ValuesOf<K> = { -readonly [N in keyof K]: Value<K[N]> }
/** By what stands behind the section's name: '' for the section itself, 'flat', 'dark.C1'. */
export type PatternValues<V> = Record<string, V>

/** The type of a configuration, derived from its schema. */
export type ConfigOf<S> = {
  -readonly [N in keyof S]: S[N] extends FreeSection<infer T>
    ? Record<string, T>
    : S[N] extends Section<infer K, infer P, infer O>
      ? (P extends true ? PatternValues<ValuesOf<K>> : ValuesOf<K>) | (O extends true ? undefined : never)
      : ValuesOf<S[N]>
}

export const isSection = (part: Schema[string]): part is Section => part.kind === 'section'
export const isFree = (part: Schema[string]): part is FreeSection => part.kind === 'free'
/** The keys that a section declares; none for a free one. */
export const keysOf = (part: Schema[string]): Keys => (isSection(part) ? part.keys : isFree(part) ? {} : part)
