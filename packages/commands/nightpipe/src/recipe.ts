import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { CALIBRATIONS_FILE, calibrationsTable } from '@nightpipe/calibrations'
import type { Description, ParentRecord, Provenance } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { readTable, upsertRows } from '@nightpipe/table'
import { describeCommand } from './describe.js'
import { provenanceOf } from './provenance.js'
import type { Search } from './search.js'

/** What is needed to remake a product, as absolute paths. */
export interface Ingredients {
  /** given as --input */
  inputs: string[]
  /** found by way of the configuration */
  others: string[]
  /** given by a flag that is called as their role: the master that a candidate was compared with */
  flagged: { flag: string; path: string }[]
  /** what those are called now that had another name when they served, and that name: it stands in the product */
  renamed: Readonly<Record<string, string>>
  /** parents that are not where we look, or are not what they were */
  trouble: string[]
}

/**
 * Finds the parents of a product. A parent that the same command made with the same configuration (the master bias of a
 * master flat) is remade in the same run, so its own inputs are needed.
 */
export function ingredientsOf(path: string, made: Provenance, search: Search): Ingredients {
  const renamed: Record<string, string> = {}
  const found: Ingredients = { inputs: [], others: [], flagged: [], trouble: [], renamed }
  const fileFlags = fileFlagsOf(made.command)
  const add = (list: string[], item: string) => list.includes(item) || list.push(item)
  const take = (product: string, about: Provenance) => {
    for (const parent of about.parents) {
      const where = search.locate(parent, product, about.command)
      if (where.state !== 'matches') {
        add(found.trouble, troubleOf(parent, where.path))
        continue
      }
      if (basename(where.path!) !== parent.file) renamed[resolve(where.path!)] = parent.file
      const own = parent.given ? undefined : provenanceOf(where.path!)
      if (parent.given) add(found.inputs, resolve(where.path!))
      else if (fileFlags.has(parent.role)) found.flagged.push({ flag: parent.role, path: resolve(where.path!) })
      else if (own && own.command === made.command && own.configDigest === made.configDigest) take(where.path!, own)
      else add(found.others, resolve(where.path!))
    }
  }
  take(path, made)
  return found
}

/** Flags that name a file and are no key of the INI: what served in their role is given by them again. */
const fileFlagsOf = (command: string) =>
  new Set(
    describeCommand(command)
      .flags.filter(({ placeholder, config, common }) => placeholder === 'FILE' && !config && !common)
      .map(({ name }) => name),
  )

const troubleOf = ({ file, role }: ParentRecord, path: string | undefined) =>
  path === undefined ? `${role} ${file} is missing` : `${role} ${path} has changed`

/** All of several products in one run; undefined when two of them need different files of one name. */
export function together(all: readonly Ingredients[]): Ingredients | undefined {
  const unique = (paths: string[]) => [...new Set(paths)].sort()
  const others = unique(all.flatMap((parts) => parts.others))
  const renamed = Object.assign({}, ...all.map((parts) => parts.renamed)) as Ingredients['renamed']
  if (new Set(others.map((path) => nameOf(path, renamed))).size < others.length) return undefined
  const flagged = all.flatMap((parts) => parts.flagged)
  if (new Set(flagged.map(({ flag }) => flag)).size < new Set(flagged.map(({ path }) => path)).size) return undefined
  return { inputs: unique(all.flatMap((parts) => parts.inputs)), others, flagged, trouble: [], renamed }
}

/** What a parent was called when it served. */
const nameOf = (path: string, renamed: Ingredients['renamed']) => renamed[path] ?? basename(path)

/** The call that remakes a product; all that it reads lies in a scratch folder. */
export interface Recipe {
  args: string[]
  cwd: string
  output: string
}

/** Lays out a scratch folder: links to the parents where the recorded configuration expects them, and that INI. */
export async function layOutRecipe(
  scratch: string,
  made: Provenance,
  about: Description,
  parts: Ingredients,
): Promise<Recipe> {
  const output = join(scratch, 'made')
  // Each in a folder of its own: two parents may have one name.
  const links = parts.inputs.map((path, i) =>
    linkInto(join(scratch, 'given', String(i).padStart(6, '0')), path, parts.renamed),
  )
  for (const path of parts.others) linkInto(scratch, path, parts.renamed)
  for (const name of pathsInConfig(made, about)) await layOutPath(scratch, name, parts)
  writeFileSync(join(scratch, 'inputs.txt'), links.map((link) => `${link}\n`).join(''))
  writeFileSync(join(scratch, 'recorded.ini'), recordedIni(made))
  const takesInput = about.flags.some(({ name }) => name === 'input')
  const input = takesInput && links.length ? ['--input', `@${join(scratch, 'inputs.txt')}`] : []
  const flags = parts.flagged.flatMap(({ flag, path }) => [
    `--${flag}`,
    linkInto(join(scratch, 'flags', flag), path, parts.renamed),
  ])
  return { args: [...input, ...flags, '--output', output, '--config', 'recorded.ini', '--quiet'], cwd: scratch, output }
}

function linkInto(folder: string, path: string, renamed: Ingredients['renamed']): string {
  const link = join(folder, nameOf(path, renamed))
  mkdirSync(folder, { recursive: true })
  if (!existsSync(link)) symlinkSync(path, link)
  return link
}

/** The recorded configuration names its instrument profile in a comment, which is a key of the INI. */
function recordedIni({ configText: config }: Provenance): string {
  const profile = /^# instrument profile: (\S+)/m.exec(config)?.[1]
  return profile ? `${config}\n[instrument]\nprofile = ${profile}\n` : config
}

/** Files and folders that the configuration names: of paths it recorded the last part only. */
function pathsInConfig({ configText: config }: Provenance, about: Description): string[] {
  const names: string[] = []
  let section = ''
  for (const line of config.split('\n')) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section
    const [, key, value] = /^([^#=]+?) = (.*)$/.exec(line) ?? []
    const row = about.config.find(
      (one) => one.key === key && one.section.replace('[.WORD]', '') === section.split('.')[0],
    )
    const name = value?.replace(/^"(.*)"$/, '$1')
    if (row?.kind === 'path' && name) names.push(name)
  }
  return names
}

/** A path that is not one of the parents is their folder, or the table that lists them. */
async function layOutPath(scratch: string, name: string, { others, renamed }: Ingredients): Promise<void> {
  if (others.some((path) => nameOf(path, renamed) === name)) return
  const isTable = name.endsWith('.csv')
  const folder = isTable ? scratch : join(scratch, name)
  mkdirSync(folder, { recursive: true })
  for (const path of others) linkInto(folder, path, renamed)
  for (const place of new Set(others.map((path) => dirname(path)))) {
    const table = join(place, isTable ? name : CALIBRATIONS_FILE)
    if (existsSync(table)) await copyTable(table, join(folder, basename(table)), others)
  }
}

/** The rows of the masters that served: the others, later ones too, must not be chosen now. */
async function copyTable(from: string, to: string, others: readonly string[]): Promise<void> {
  if (basename(from) !== CALIBRATIONS_FILE) return copyFileSync(from, to)
  const served = new Set(others.map((path) => basename(path)))
  const rows = readTable(from, calibrationsTable).filter((row) => served.has(basename(row.filename)))
  await upsertRows(
    to,
    calibrationsTable,
    rows.map((row) => ({ ...row, filename: basename(row.filename) })),
  )
}

/** Says in one line what cannot be found. */
export function refuseTrouble(path: string, { trouble }: Ingredients): void {
  if (trouble.length === 0) return
  const more = trouble.length > 3 ? ` and ${trouble.length - 3} more` : ''
  const said = `${path} cannot be remade: ${trouble.slice(0, 3).join(', ')}${more}`
  throw new DataError(said, 'give the folder of its parents by --from DIR; nightpipe why shows them all')
}
