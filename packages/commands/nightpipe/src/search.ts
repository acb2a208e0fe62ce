import { readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileDigest, type ParentRecord, productHeader, reportTable } from '@nightpipe/command'
import { profileFolder } from '@nightpipe/config'
import { textOf } from '@nightpipe/fits'
import { readTable } from '@nightpipe/table'

/** Where a parent is now. `changed`: files of that name are there, and neither they nor others have its digest. */
export interface Located {
  state: 'matches' | 'changed' | 'missing'
  path?: string
}

/** Folders are searched this deep and no further than this many entries: a night, not a disk. */
const DEPTH = 4
const MOST_ENTRIES = 100_000

/** The lists of lines and profiles that come with the toolkit. */
const profiles = profileFolder()
const SHIPPED = profiles && dirname(profiles)

/** Finds the parents of products again, which remember the names of files but not their folders. */
export interface Search {
  locate(parent: ParentRecord, product: string, command: string): Located
  /** the inputs that the report beside a product names */
  reported(product: string, command: string): string[]
  /** files of that name, best guess first */
  named(name: string, product: string, command: string): string[]
}

/** `from`: folders given by a person, searched first; then the product's own folder, its report, and the folder above. */
export function searchIn(from: readonly string[]): Search {
  const listings = new Map<string, Map<string, string[]>>()
  const listing = (folder: string) => {
    const known = listings.get(folder) ?? listingOf(folder)
    listings.set(folder, known)
    return known
  }
  const named = (name: string, product: string, command: string) => {
    const folder = dirname(resolve(product))
    const given = from.flatMap((place) => listing(resolve(place)).get(name) ?? [])
    const reported = inputsInReport(folder, command).filter((path) => basename(path) === name)
    const near = [folder, dirname(folder)].flatMap((place) => listing(place).get(name) ?? [])
    const shipped = SHIPPED ? (listing(SHIPPED).get(name) ?? []) : []
    const found = [...given, ...reported, ...near, ...shipped]
    return [...new Set(found)].filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
  }
  const identities = new Map<string, Map<string, string>>()
  const renamed = (parent: ParentRecord, product: string) => {
    const folder = dirname(resolve(product))
    const near = [...from.map((place) => resolve(place)), folder, dirname(folder)]
    for (const place of near) {
      // To hash a night takes minutes: only where a person says that the parents are there.
      const hashed = parent.kind === 'sha256'
      if (hashed && !from.some((given) => resolve(given) === place)) continue
      const key = `${parent.kind} ${place}`
      const known = identities.get(key) ?? identitiesOf(listing(place), hashed)
      identities.set(key, known)
      const path = known.get(parent.id)
      if (path !== undefined) return path
    }
    return undefined
  }
  return {
    named,
    reported: (product, command) => inputsInReport(dirname(resolve(product)), command),
    locate(parent, product, command) {
      const candidates = named(parent.file, product, command)
      const path = candidates.find((candidate) => fileDigest(candidate).id === parent.id) ?? renamed(parent, product)
      if (path !== undefined) return { state: 'matches', path }
      // A product beside its parent of the same name is no candidate for it.
      const others = candidates.filter((candidate) => resolve(candidate) !== resolve(product))
      return others.length ? { state: 'changed', path: others[0]! } : { state: 'missing' }
    },
  }
}

const FITS = /\.(fits|fit|fts)(\.fz|\.gz)?$/i

/** The products of a folder by their identity, or its other frames by the digest of their bytes. */
function identitiesOf(listing: ReadonlyMap<string, readonly string[]>, hashed: boolean): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, paths] of listing) {
    if (!FITS.test(name)) continue
    for (const path of paths) {
      quietly(() => {
        const id = hashed ? fileDigest(path).id : productIdentity(path)
        if (id !== undefined && !found.has(id)) found.set(id, path)
      })
    }
  }
  return found
}

function productIdentity(path: string): string | undefined {
  const header = productHeader(path)
  return header && textOf(header, 'NP_ID')
}

function listingOf(root: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const seen = new Set<string>()
  let left = MOST_ENTRIES
  const walk = (folder: string, depth: number) => {
    const real = realpathSync(folder)
    if (seen.has(real)) return
    seen.add(real)
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (left-- <= 0) return
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      const path = join(folder, entry.name)
      const isFolder = entry.isSymbolicLink()
        ? statSync(path, { throwIfNoEntry: false })?.isDirectory()
        : entry.isDirectory()
      if (!isFolder) found.set(entry.name, [...(found.get(entry.name) ?? []), path])
      else if (depth < DEPTH) quietly(() => walk(path, depth + 1))
    }
  }
  quietly(() => walk(root, 0))
  return found
}

/** A folder that may not be read holds nothing for us. */
function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // as said
  }
}

/** Products lie in the output folder, where the report is, or this many folders below it. */
const BELOW_REPORT = 2

/** The inputs that the report beside a product names, or that of a folder above. */
function inputsInReport(folder: string, command: string): string[] {
  const above = Array.from({ length: BELOW_REPORT + 1 }, (_, n) => resolve(folder, ...Array<string>(n).fill('..')))
  return above.flatMap((place) => inputsOf(place, command))
}

function inputsOf(folder: string, command: string): string[] {
  try {
    const [name] = command.split(' ') // subcommands share a report
    const rows = readTable(join(folder, `${name}.csv`), reportTable(command, []), { orEmpty: true })
    return rows.map((row) => resolve(folder, String(row.input)))
  } catch {
    return [] // damaged: `tables check` says how
  }
}
