import { relative, resolve } from 'node:path'
import type { ParentRecord, Provenance } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { print } from './print.js'
import { provenanceOf } from './provenance.js'
import { type Located, type Search, searchIn } from './search.js'
import type { Verb } from './verb.js'

export const why: Verb = {
  name: 'why',
  usage: 'why FILE… [--from DIR]… [--config] [--all] [--json] [--check]',
  summary: 'what a product was made from, by what, back to the raw frames',
  description: `Reads the provenance that every product carries and follows it from parent to parent. Parents are looked for below
--from, in the folder of the product, in the report there, and in the folder above; each either matches its recorded
digest, or has changed since, or is missing.`,
  flags: {
    from: { type: 'string', multiple: true, placeholder: 'DIR', doc: 'where parents may be; can be repeated' },
    config: { type: 'boolean', doc: 'also the configuration that it was made with' },
    all: { type: 'boolean', doc: 'every parent, however many there are' },
    json: { type: 'boolean', doc: 'the tree as JSON' },
    check: { type: 'boolean', doc: 'exit 4 when a parent is missing or has changed' },
  },
  words: { least: 1, most: Number.POSITIVE_INFINITY },
  run({ words, flags }) {
    const search = searchIn((flags.from as string[] | undefined) ?? [])
    const trees = words.map((path) => ancestryOf(path, search))
    for (const tree of trees) {
      if (flags.json) print(`${JSON.stringify(tree)}\n`)
      else print(textOfTree(tree, flags.all === true) + (flags.config ? `\n${tree.config}` : ''))
    }
    return flags.check && trees.some(hasTrouble) ? 4 : 0
  },
}

/** A file with what it was made from. */
export interface Ancestry {
  path: string
  role?: string
  state?: Located['state']
  id: string
  kind: 'np_id' | 'sha256'
  command?: string
  version?: string
  config?: string
  parents?: Ancestry[]
}

export function ancestryOf(path: string, search: Search): Ancestry {
  const made = provenanceOf(path)
  if (!made) throw new DataError(`${path} is not a product of nightpipe: it carries no provenance`)
  return withParents({ path, id: made.id, kind: 'np_id' }, made, search, new Set())
}

function withParents(self: Ancestry, made: Provenance, search: Search, above: ReadonlySet<string>): Ancestry {
  const { command, version, configText: config } = made
  const inside = new Set([...above, self.id])
  const parents = made.parents.map((parent) => parentOf(parent, self.path, command, search, inside))
  return { ...self, command, version, config, parents }
}

function parentOf(
  { file, role, id, kind }: ParentRecord,
  product: string,
  command: string,
  search: Search,
  above: ReadonlySet<string>,
): Ancestry {
  const { state, path } = search.locate({ file, role, id, kind, given: false }, product, command)
  const self: Ancestry = { path: path === undefined ? file : shownFromHere(path), role, state, id, kind }
  // What a file was made from is told only where it is the very file that served.
  const made = path !== undefined && state === 'matches' && !above.has(id) ? provenanceOf(path) : undefined
  return made ? withParents(self, made, search, above) : self
}

const hasTrouble = (tree: Ancestry): boolean =>
  (tree.state !== undefined && tree.state !== 'matches') || (tree.parents ?? []).some(hasTrouble)

/** Of more parents than this in one role, the first three and those in trouble are shown. */
const MANY = 12
const SHOWN = 3

function textOfTree(tree: Ancestry, all: boolean): string {
  const lines = [`${tree.path}  ${madeBy(tree)}`, ...branches(tree, '', all, new Set())]
  return lines.map((line) => `${line}\n`).join('')
}

/** `told`: the products whose parents stand above already, since masters serve many times. */
function branches(tree: Ancestry, indent: string, all: boolean, told: Set<string>): string[] {
  const entries = all ? (tree.parents ?? []) : shortened(tree.parents ?? [])
  return entries.flatMap((entry, i) => {
    const last = i === entries.length - 1
    const fork = indent + (last ? '└── ' : '├── ')
    if (typeof entry === 'string') return [fork + entry]
    if (told.has(entry.id)) return [`${fork}${lineOf(entry)}, as above`]
    if (entry.parents) told.add(entry.id)
    return [fork + lineOf(entry), ...branches(entry, indent + (last ? '    ' : '│   '), all, told)]
  })
}

function shortened(parents: readonly Ancestry[]): (Ancestry | string)[] {
  const roles = [...new Set(parents.map(({ role }) => role))]
  return roles.flatMap((role) => {
    const those = parents.filter((parent) => parent.role === role)
    if (those.length <= MANY) return those
    const shown = those.filter((parent, i) => i < SHOWN || hasTrouble(parent))
    const hidden = those.length - shown.length
    return hidden ? [...shown, `${role}: ${hidden} more, all found and unchanged (--all shows them)`] : shown
  })
}

const lineOf = (tree: Ancestry) =>
  `${tree.role}: ${tree.path}  ${tree.state}${tree.command ? `, ${madeBy(tree)}` : digest(tree)}`
const madeBy = ({ command, version, id }: Ancestry) => `by ${command} ${version} (${id.slice(0, 12)})`
const digest = ({ kind, id }: Ancestry) => `, ${kind === 'np_id' ? 'id' : 'sha256'} ${id.slice(0, 12)}`

/** A path as a person would type it from here. */
function shownFromHere(path: string): string {
  const [absolute, near] = [resolve(path), relative('', path)]
  return near.length < absolute.length ? near : absolute
}
