import { basename, resolve } from 'node:path'
import type { ParentRecord, Provenance } from '@nightpipe/command'
import { loadProfile, profileDigest } from '@nightpipe/config'
import { ConfigError, DataError } from '@nightpipe/files'
import { describeCommand } from './describe.js'
import { provenanceOf } from './provenance.js'
import type { Search } from './search.js'

/** What is needed to remake a product, as absolute paths. */
export interface Ingredients {
  /** given as --input */
  inputs: string[]
  /** found by way of the configuration */
  others: string[]
  /** the instrument profile: the name of a shipped one, or the INI of another */
  profile?: string | undefined
  /** given by a flag that is called as their role: the master that a candidate was compared with */
  flagged: Record<string, string>
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
  const found: Ingredients = { inputs: [], others: [], flagged: {}, trouble: [], renamed }
  found.profile = profileOf(path, made, search)
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
      else if (fileFlags.has(parent.role)) found.flagged[parent.role] = resolve(where.path!)
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

/** All of several products in one run; undefined when two of them need different files of one name, or for one flag. */
export function together(all: readonly Ingredients[]): Ingredients | undefined {
  const unique = (paths: string[]) => [...new Set(paths)].sort()
  const others = unique(all.flatMap((parts) => parts.others))
  const renamed = Object.assign({}, ...all.map((parts) => parts.renamed)) as Ingredients['renamed']
  if (new Set(others.map((path) => nameOf(path, renamed))).size < others.length) return undefined
  const flagged = Object.assign({}, ...all.map((parts) => parts.flagged)) as Ingredients['flagged']
  if (all.some((parts) => Object.entries(parts.flagged).some(([flag, path]) => flagged[flag] !== path)))
    return undefined
  return {
    inputs: unique(all.flatMap((parts) => parts.inputs)),
    others,
    flagged,
    trouble: [],
    renamed,
    profile: all[0]?.profile,
  }
}

/** What a parent was called when it served. */
export const nameOf = (path: string, renamed: Ingredients['renamed']) => renamed[path] ?? basename(path)

/**
 * The recorded configuration names its instrument profile in a comment, with its digest: a shipped one, or an INI of that
 * name where the parents are.
 */
function profileOf(product: string, made: Provenance, search: Search): string | undefined {
  const [, name, digest] = /^# instrument profile: (\S+) (\S+)/m.exec(made.configText) ?? []
  if (!name) return undefined
  const files = [name, ...search.named(`${name}.ini`, product, made.command)]
  return files.find((file) => digestOfProfile(file) === digest) ?? name
}

function digestOfProfile(nameOrPath: string): string | undefined {
  try {
    return profileDigest(loadProfile(nameOrPath))
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

/** Says in one line what cannot be found. */
export function refuseTrouble(path: string, { trouble }: Ingredients): void {
  if (trouble.length === 0) return
  const more = trouble.length > 3 ? ` and ${trouble.length - 3} more` : ''
  const said = `${path} cannot be remade: ${trouble.slice(0, 3).join(', ')}${more}`
  throw new DataError(said, 'give the folder of its parents by --from DIR; nightpipe why shows them all')
}
