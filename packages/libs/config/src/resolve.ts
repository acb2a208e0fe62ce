import { nearestName, plainName } from './names.js'
import { isFree, isSection, keysOf, type Option, type Schema } from './options.js'
import type { Entry, Scan } from './scan.js'
import { expectation, readValue } from './values.js'

/** A value in force and where it came from. */
export interface Held {
  value: unknown
  origin: string
}
/** One section as it stands in an INI: `[limits.flat]` is the part `limits` with the suffix `flat`. */
export interface HeldSection {
  /** The schema's name for it. */
  part: string
  suffix: string
  /** The values that were given here, by the schema's name of the key (for a free section, by the name as written). */
  given: Map<string, Held>
}

export interface Resolution {
  sections: HeldSection[]
  problems: string[]
}

interface Place {
  part: string
  suffix: string
}

/** The characters that may stand between the name of a pattern section and what follows. */
const SEPARATOR = /^[\s._:-]/

/** The part of the schema to which a section name belongs. */
export function placeOf(schema: Schema, name: string): Place | undefined {
  const plain = plainName(name)
  const exact = Object.keys(schema).find((part) => plainName(part) === plain)
  if (exact) return { part: exact, suffix: '' }
  for (const [part, declared] of Object.entries(schema)) {
    if (!isSection(declared) || !declared.pattern) continue
    const rest = name.trim().slice(part.length)
    if (plainName(name.trim().slice(0, part.length)) !== plainName(part) || !SEPARATOR.test(rest)) continue
    return { part, suffix: rest.slice(1).trim() }
  }
  return undefined
}

/** Lays the entries of several texts over one another, the later ones winning, and checks each against the schema. */
export function resolve(schema: Schema, layers: readonly Scan[]): Resolution {
  const resolution: Resolution = { sections: [], problems: [] }
  for (const layer of layers) {
    resolution.problems.push(...layer.problems)
    for (const { name, origin } of layer.sections) {
      const place = placeOf(schema, name)
      if (place) heldSection(resolution, place)
      else resolution.problems.push(`${origin}: ${unknownSection(schema, name)}`)
    }
    for (const entry of layer.entries) addEntry(schema, entry, resolution)
  }
  return resolution
}

function heldSection(resolution: Resolution, place: Place): HeldSection {
  const found = resolution.sections.find(
    (s) => s.part === place.part && plainName(s.suffix) === plainName(place.suffix),
  )
  if (found) return found
  const section = { ...place, given: new Map<string, Held>() }
  resolution.sections.push(section)
  return section
}

function addEntry(schema: Schema, entry: Entry, resolution: Resolution): void {
  const place = placeOf(schema, entry.section)
  if (!place) return // the line that opened the section has been reported
  const declared = schema[place.part]
  const key = isFree(declared) ? entry.key : keyOf(keysOf(declared), entry.key)
  if (key === undefined) {
    resolution.problems.push(`${entry.origin}: ${unknownKey(schema, entry, Object.keys(keysOf(declared)))}`)
    return
  }
  const option = isFree(declared) ? declared.option : keysOf(declared)[key]
  const value = readValue(option, entry.value)
  if (value === undefined) {
    const found = entry.value === '' ? 'nothing' : `'${entry.value}'`
    resolution.problems.push(
      `${entry.origin}: [${entry.section}] ${entry.key} is ${found}, expected ${expectation(option)}`,
    )
    return
  }
  heldSection(resolution, place).given.set(key, { value, origin: entry.origin })
}

/** The schema's name of a key, by its own name or an alias. */
function keyOf(keys: Record<string, Option>, name: string): string | undefined {
  const plain = plainName(name)
  const own = Object.keys(keys).find((key) => plainName(key) === plain)
  return own ?? Object.keys(keys).find((key) => keys[key].alias.some((alias) => plainName(alias) === plain))
}

function unknownSection(schema: Schema, name: string): string {
  const known = Object.keys(schema)
  const near = nearestName(name, known)
  return `unknown section [${name}]${near ? `, did you mean [${near}]?` : ''} (known: ${known.join(', ') || 'none'})`
}

function unknownKey(schema: Schema, { section, key }: Entry, known: string[]): string {
  const near = nearestName(key, known)
  const elsewhere = Object.entries(schema).find(([, declared]) => keyOf(keysOf(declared), key) !== undefined)?.[0]
  const hint = near ? `, did you mean '${near}'?` : elsewhere ? `, it belongs in [${elsewhere}]` : ''
  return `unknown key '${key}' in [${section}]${hint} (known: ${known.join(', ') || 'none'})`
}
