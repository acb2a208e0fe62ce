import { power } from '@nightpipe/math'
import { plainName } from './names.js'
import { type ConfigOf, isFree, isSection, type Keys, keysOf, type Schema } from './options.js'
import type { Held, HeldSection, Resolution } from './resolve.js'
import { expectation } from './values.js'

const sameName = (a: string, b: string): boolean => plainName(a) === plainName(b)

export const DEFAULT = 'default'

/** A section with every key that it has in force, given here, inherited or by default. */
export interface FullSection {
  part: string
  suffix: string
  held: Map<string, Held>
}

/** Every section in force, in the order of the schema. Adds to `problems` what must be given and is not. */
export function completeSections(schema: Schema, resolution: Resolution, name: string): FullSection[] {
  return Object.entries(schema).flatMap(([part, declared]) => {
    const given = resolution.sections.filter((section) => section.part === part)
    if (isFree(declared)) return [{ part, suffix: '', held: given[0]?.given ?? new Map() }]
    const wanted = suffixesOf(declared, given)
    return wanted.map((suffix) => complete(part, suffix, keysOf(declared), given, resolution.problems, name))
  })
}

/** The suffixes for which a section exists: '' unless it is optional and absent, or cannot stand on defaults alone. */
function suffixesOf(declared: Schema[string], given: HeldSection[]): string[] {
  const suffixes = given.map((section) => section.suffix)
  if (suffixes.includes('') || (isSection(declared) && declared.optional)) return suffixes
  const needs = Object.values(keysOf(declared)).some((option) => option.default === undefined && !option.optional)
  if (isSection(declared) && declared.pattern && needs) return suffixes
  return ['', ...suffixes]
}

function complete(part: string, suffix: string, keys: Keys, given: HeldSection[], problems: string[], name: string) {
  const held = new Map<string, Held>()
  const chain = inheritance(suffix)
  for (const [key, option] of Object.entries(keys)) {
    const source = chain.flatMap((s) => given.find(({ suffix }) => sameName(suffix, s))?.given.get(key) ?? [])[0]
    if (!source && option.default === undefined && !option.optional) {
      problems.push(
        `${name}: [${[part, suffix].filter(Boolean).join('.')}] ${key} is missing, expected ${expectation(option)}`,
      )
    }
    held.set(key, source ?? { value: option.default, origin: DEFAULT })
  }
  return { part, suffix, held }
}

/** What 'dark.C1' does not say, 'dark' does, and then ''. */
export function inheritance(suffix: string): string[] {
  const words = suffix === '' ? [] : suffix.split('.')
  return [...words.map((_, k) => words.slice(0, words.length - k).join('.')), '']
}

/** The plain object of values that a command works with. */
export function valuesOf<S extends Schema>(schema: S, sections: FullSection[]): ConfigOf<S> {
  const values: Record<string, unknown> = {}
  for (const [part, declared] of Object.entries(schema)) {
    const own = sections.filter((section) => section.part === part)
    const plain = own.map((s) => [s.suffix, Object.fromEntries([...s.held].map(([key, h]) => [key, h.value]))] as const)
    if (isSection(declared) && declared.pattern) values[part] = plain.length ? Object.fromEntries(plain) : undefined
    else values[part] = plain[0]?.[1]
    if (isSection(declared) && declared.pattern && !declared.optional) values[part] ??= {}
  }
  return values as ConfigOf<S>
}

/**
 * The most specific section of a pattern for some words: with `['dark', 'C1']`, [limits.dark.C1] before [limits.dark]
 * before [limits.C1] before [limits]. Words count in any case.
 */
export function mostSpecific<V>(values: Record<string, V>, words: readonly string[]): V | undefined {
  const wanted = words.map((word) => word.toLowerCase())
  let best: { value: V; score: number } | undefined
  for (const [suffix, value] of Object.entries(values)) {
    const parts = suffix === '' ? [] : suffix.toLowerCase().split('.')
    if (!parts.every((part) => wanted.includes(part))) continue
    // Earlier words weigh more than all later ones together.
    const score = parts.reduce((sum, part) => sum + power(2, wanted.length - wanted.indexOf(part)), 0)
    if (!best || score > best.score) best = { value, score }
  }
  return best?.value
}
