import { createHash } from 'node:crypto'
import { ConfigError } from '@nightpipe/files'
import { completeSections, valuesOf } from './in-force.js'
import { plainName } from './names.js'
import { type ConfigOf, isFree, type Schema } from './options.js'
import { canonicalConfig, printConfig } from './print.js'
import { type InstrumentProfile, loadProfile } from './profile.js'
import { placeOf, resolve } from './resolve.js'
import type { Scan } from './scan.js'
import { scanFile } from './scan-file.js'

export interface LoadOptions {
  /** The INI file; none means defaults and `set` only. */
  file?: string
  /** The texts of `--set section.key=value`. */
  set?: readonly string[]
  /** The instrument profile where neither names one, and what spoke for it: `the header of a.fits`. */
  profile?: { name: string; origin: string }
  /** Where profiles are looked for instead of configs/instruments. */
  profileFolder?: string
}

export interface ConfigInForce<S> {
  values: ConfigOf<S>
  /** A valid INI of all values, with meaning, unit and origin of each. */
  print(): string
  /** The part that can change products, in one spelling: what digests are made of. */
  canonical(): string
  /** Where a value came from: `default`, `night.ini:7`, `--set`, `coatli.ini:12`. */
  origin(section: string, key: string): string | undefined
  profile: InstrumentProfile
}

/**
 * The configuration in force: defaults, then the instrument profile's, then the file, then `--set`. Throws one
 * ConfigError with every problem of all of them.
 */
export function loadConfig<S extends Schema>(schema: S, options: LoadOptions = {}): ConfigInForce<S> {
  const name = options.file ?? 'config'
  const file = options.file === undefined ? empty() : scanFile(options.file)
  const set = scanSet(options.set ?? [], schema)
  if (options.profile && profileName(file, set) === undefined) set.entries.push(profileEntry(options.profile))
  const profile = loadProfile(profileName(file, set) ?? 'generic', {
    folder: options.profileFolder,
    beside: options.file,
  })
  const resolution = resolve(schema, [profileDefaults(schema, profile), file, set])
  const sections = completeSections(schema, resolution, name)
  if (resolution.problems.length) throw new ConfigError(resolution.problems)
  return {
    values: valuesOf(schema, sections),
    profile,
    print: () => printConfig(schema, sections),
    canonical: () =>
      `# instrument profile: ${profile.name} ${profileDigest(profile)}\n${canonicalConfig(schema, sections)}`,
    origin: (section, key) => {
      const place = placeOf(schema, section)
      const found = place && sections.find((s) => s.part === place.part && s.suffix === place.suffix)
      return found && [...found.held].find(([k]) => plainName(k) === plainName(key))?.[1].origin
    },
  }
}

/** Profiles of one digest say the same. */
export const profileDigest = ({ canonical }: InstrumentProfile): string => sha256(canonical)

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')
const empty = (): Scan => ({ entries: [], sections: [], problems: [] })

/**
 * `--set section.key=value`: the key is what follows the last dot before '='. In a free section, whose keys may have dots
 * themselves, it is what follows the first.
 */
function scanSet(set: readonly string[], schema: Schema): Scan {
  const scan = empty()
  for (const given of set) {
    const match = /^\s*([^=]*[^=.\s])\s*\.\s*([^=.]+?)\s*=(.*)$/s.exec(given)
    if (!match) {
      scan.problems.push(`--set ${given}: expected section.key=value`)
      continue
    }
    const [section, key] = inFreeSection(schema, match[1], match[2]) ?? [match[1], match[2]]
    scan.sections.push({ name: section, origin: '--set' })
    scan.entries.push({ section, key, value: match[3].trim(), origin: '--set' })
  }
  return scan
}

function inFreeSection(schema: Schema, section: string, key: string): [string, string] | undefined {
  const [, first, rest] = /^([^.]+?)\s*\.\s*(.+)$/.exec(section) ?? []
  const place = first && !placeOf(schema, section) ? placeOf(schema, first) : undefined
  return place && isFree(schema[place.part]) ? [first, `${rest}.${key}`] : undefined
}

const profileEntry = ({ name, origin }: { name: string; origin: string }) => ({
  ...{ section: 'instrument', key: 'profile', value: name },
  origin,
})

function profileName(file: Scan, set: Scan): string | undefined {
  const isProfile = (entry: { section: string; key: string }) =>
    plainName(entry.section) === 'instrument' && plainName(entry.key) === 'profile'
  return [...file.entries, ...set.entries].findLast(isProfile)?.value || undefined
}

/** A profile may carry defaults for sections that only some commands have: the others are not this command's matter. */
function profileDefaults(schema: Schema, profile: InstrumentProfile): Scan {
  const known = profile.defaults.entries.filter((entry) => placeOf(schema, entry.section))
  return { entries: known, sections: [], problems: [] }
}
