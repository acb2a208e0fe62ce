import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '@nightpipe/files'
import { completeSections, valuesOf } from './in-force.js'
import { nearestName, plainName } from './names.js'
import type { ConfigOf } from './options.js'
import { canonicalConfig } from './print.js'
import { FRAME_TYPES, NAME_PLACES, ORIENTATIONS, profileSchema } from './profile-schema.js'
import { resolve } from './resolve.js'
import type { Scan } from './scan.js'
import { scanFile } from './scan-file.js'

/** What a camera calls things: the INI of configs/instruments/, read and completed by its parent. */
export interface InstrumentProfile {
  name: string
  /** what to name it by in another call: its name where it is a shipped one, else the path of its file */
  reference: string
  values: ConfigOf<typeof profileSchema>
  /** Defaults for sections of commands: [defaults.SECTION] of the profile, under the name SECTION. */
  defaults: Scan
  /** All that the profile says, in one spelling, for digests. */
  canonical: string
}

export interface ProfilePlaces {
  /** Looked in instead of configs/instruments. */
  folder?: string
  /** The INI that names the profile: a profile file may stand beside it. */
  beside?: string
}

/** The folder of the shipped profiles: configs/instruments of the nearest folder above this code that has it. */
export function profileFolder(from: string = import.meta.url): string | undefined {
  let folder = dirname(fileURLToPath(from))
  while (true) {
    const candidate = join(folder, 'configs', 'instruments')
    if (existsSync(candidate)) return candidate
    const above = dirname(folder)
    if (above === folder) return undefined
    folder = above
  }
}

/** The names of the shipped profiles. */
export function listProfiles(folder: string | undefined = profileFolder()): string[] {
  if (!folder || !existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ini'))
    .map((file) => file.slice(0, -4))
    .sort()
}

/** Reads a profile by its name (in configs/instruments) or by the path of its INI. */
export function loadProfile(nameOrPath: string, places: ProfilePlaces = {}): InstrumentProfile {
  const layers = scanFamily(nameOrPath, places, [])
  const name = layers.at(-1)!.name
  const own = layers.map(({ scan }) => withoutDefaults(scan))
  const resolution = resolve(profileSchema, own)
  const sections = completeSections(profileSchema, resolution, name)
  if (resolution.problems.length) throw new ConfigError(resolution.problems)
  const values = valuesOf(profileSchema, sections)
  const problems = checkProfile(values, layers.at(-1)!.path)
  if (problems.length) throw new ConfigError(problems)
  const defaults = onlyDefaults(layers.map(({ scan }) => scan))
  const lines = defaults.entries.map((entry) => `[${entry.section}] ${entry.key} = ${entry.value}`)
  const canonical = [canonicalConfig(profileSchema, sections), ...lines.sort()].join('\n')
  const file = layers.at(-1)!.path
  const shipped = resolvePath(places.folder ?? profileFolder() ?? '.') === resolvePath(dirname(file))
  const reference = shipped ? basename(file, '.ini') : resolvePath(file)
  return { name, reference, values, defaults, canonical }
}

interface Layer {
  name: string
  path: string
  scan: Scan
}

/** The profile and its parents, the oldest first. */
function scanFamily(nameOrPath: string, places: ProfilePlaces, children: string[]): Layer[] {
  const path = profilePath(nameOrPath, places, children.at(-1))
  if (children.includes(path)) throw new ConfigError(`${path}: a profile cannot be its own parent`)
  const scan = scanFile(path)
  const said = (key: string) =>
    scan.entries.find((entry) => plainName(entry.section) === 'profile' && plainName(entry.key) === key)?.value
  const stem = basename(path).replace(/\.ini$/i, '')
  const parent = said('parent') ?? (stem === 'generic' ? 'none' : 'generic')
  const layer = { name: said('name') || stem, path, scan }
  return parent === 'none' ? [layer] : [...scanFamily(parent, places, [...children, path]), layer]
}

function profilePath(nameOrPath: string, places: ProfilePlaces, child?: string): string {
  const folder = places.folder ?? profileFolder()
  if (/[\\/]|\.ini$/i.test(nameOrPath)) {
    const beside = [child, places.beside].flatMap((file) => (file ? [join(dirname(file), nameOrPath)] : []))
    const found = (isAbsolute(nameOrPath) ? [nameOrPath] : [...beside, resolvePath(nameOrPath)]).find((p) =>
      existsSync(p),
    )
    if (found) return found
    throw new ConfigError(`${nameOrPath}: no such instrument profile`)
  }
  const path = folder && join(folder, `${nameOrPath}.ini`)
  if (path && existsSync(path)) return path
  const known = listProfiles(folder)
  const near = nearestName(nameOrPath, known)
  const hint = near ? `, did you mean '${near}'?` : ''
  throw new ConfigError(
    `unknown instrument profile '${nameOrPath}'${hint} (known: ${known.join(', ') || 'none'}; or give the path of an .ini)`,
  )
}

const DEFAULTS = /^defaults\.(.+)$/i
const withoutDefaults = (scan: Scan): Scan => ({
  problems: scan.problems,
  sections: scan.sections.filter(({ name }) => !DEFAULTS.test(name)),
  entries: scan.entries.filter(({ section }) => !DEFAULTS.test(section)),
})

function onlyDefaults(scans: Scan[]): Scan {
  const last = new Map<string, Scan['entries'][number]>()
  for (const entry of scans.flatMap((scan) => scan.entries)) {
    const section = DEFAULTS.exec(entry.section)?.[1]
    if (section) last.set(`${plainName(section)}\n${plainName(entry.key)}`, { ...entry, section })
  }
  return { entries: [...last.values()], sections: [], problems: [] }
}

/** What the schema alone cannot see. */
function checkProfile(values: ConfigOf<typeof profileSchema>, path: string): string[] {
  const problems: string[] = []
  const { ra, dec } = values.keywords
  if (ra.length !== dec.length) {
    problems.push(`${path}: [keywords] ra lists ${ra.length} keywords and dec ${dec.length} (they are read in pairs)`)
  }
  for (const fact of values['file names'].wins) {
    if (!['type', 'filter', 'date'].includes(fact)) {
      problems.push(`${path}: [file names] wins = ${fact}: a file name can tell type, filter and date`)
    }
  }
  for (const part of ['assume', 'override'] as const) {
    const type = values[part].type
    if (type && !FRAME_TYPES.some((known) => known === type)) {
      problems.push(`${path}: [${part}] type = ${type}, expected one of ${FRAME_TYPES.join(', ')}`)
    }
  }
  for (const pair of values.orientation.values) {
    const turn = pair.split(':')[1]?.trim()
    if (!ORIENTATIONS.some((known) => known === turn)) {
      problems.push(
        `${path}: [orientation] values has '${pair}', expected VALUE:TURN with one of ${ORIENTATIONS.join(', ')}`,
      )
    }
  }
  for (const pattern of values['file names'].patterns) {
    const odd = [...pattern.matchAll(/\{(\w*)\}/g)].find(([, place]) => !NAME_PLACES.includes(place))
    if (odd) problems.push(`${path}: [file names] patterns has ${odd[0]} (known: {${NAME_PLACES.join('} {')}})`)
  }
  return problems
}
