import { existsSync, readdirSync, readFileSync, readSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { ConfigError, DataError, explainSystemError, systemCode } from './errors.js'
import { glob, isPattern } from './glob.js'

/** A file that a command was given. */
export interface InputFile {
  /** absolute */
  path: string
  /** with extension, without folder */
  name: string
  /** without .fits .fit .fts .fz .gz: what the products of this file are named after */
  stem: string
  /** as a person gave it, for messages */
  shown: string
}

export interface InputOptions {
  /** the text behind `-`; read from standard input when absent */
  stdin?: string
  /** of the files to take from folders and open patterns, lower case with dot; any file that is named is taken */
  extensions?: readonly string[]
  /** nothing found is no error (an empty night) */
  allowEmpty?: boolean
}

/** FITS as observatories name it, plain, compressed whole, or compressed by tiles. Any case. */
export const FITS_EXTENSIONS: readonly string[] = ['.fits', '.fit', '.fts']
  .flatMap((e) => [e, `${e}.gz`, `${e}.fz`])
  .concat('.fz')

/** The name without what says that it is FITS: `M67-001.FITS.fz` gives `M67-001`. */
export function stemOf(name: string): string {
  const stem = basename(name).replace(/(\.(fits|fit|fts|fz|gz))+$/i, '')
  return stem || basename(name)
}

interface Search {
  extensions: readonly string[]
  stdin: string | undefined
  found: Map<string, InputFile>
  missing: string[]
  /** links that lead nowhere */
  dangling: string[]
}

function add(search: Search, shown: string): void {
  const path = resolve(shown)
  if (!search.found.has(path)) search.found.set(path, { path, name: basename(path), stem: stemOf(path), shown })
}

const wanted = (search: Search, name: string) => search.extensions.some((e) => name.toLowerCase().endsWith(e))

/** A folder that holds a file of this name is passed over when one above it is searched: it has FITS, but no frames. */
export const SKIP_FOLDER = '.nightpipe-skip'

/**
 * All files below a folder. Hidden files and folders and those marked with SKIP_FOLDER are skipped, and a link that leads
 * back up is not followed.
 */
function addFolder(search: Search, folder: string, above: readonly string[] = []): void {
  if (above.length > 0 && existsSync(join(folder, SKIP_FOLDER))) return
  const real = realpathSync.native(folder)
  if (above.includes(real)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    const kind = entry.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : entry
    if (kind?.isDirectory()) addFolder(search, path, [...above, real])
    else if (kind?.isFile() && wanted(search, entry.name)) add(search, path)
    else if (!kind && wanted(search, entry.name)) search.dangling.push(path)
  }
}

function addPattern(search: Search, pattern: string): void {
  // `night/*` means its frames; `night/*.dat` says itself what it wants.
  const last = basename(pattern)
  const open = !/\.[^*.]+[^.]*$/.test(last) || last === '**'
  const matches = glob(pattern)
  if (matches.length === 0) search.missing.push(pattern)
  for (const path of matches) {
    const kind = statSync(path, { throwIfNoEntry: false })
    if (kind?.isDirectory()) addFolder(search, path)
    else if (kind?.isFile() && (!open || wanted(search, path))) add(search, path)
  }
}

function addList(search: Search, list: string, lists: readonly string[]): void {
  const path = resolve(list)
  if (lists.includes(path)) throw new ConfigError(`${list} names itself, directly or by way of another list`)
  const base = dirname(list)
  for (const line of linesOf(readFileSync(path, 'utf8'))) {
    const at = line.startsWith('@') ? '@' : ''
    const entry = line.slice(at.length)
    addOne(search, at + (isAbsolute(entry) || base === '.' ? entry : join(base, entry)), [...lists, path])
  }
}

/** One path a line; blank lines and `#` comments are skipped, blanks around and CRLF do not matter. */
function linesOf(text: string): string[] {
  const lines = text.includes('\0') ? text.split('\0') : text.split(/\r\n|\n|\r/)
  return lines.map((line) => line.replace(/^\uFEFF/, '').trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

/** What a command before us in a pipe says: a path a line, or with --json an object a line with its `product`. */
function addStdin(search: Search): void {
  for (const line of linesOf(search.stdin ?? readStdin())) {
    let path = line
    if (line.startsWith('{')) {
      const { product } = parseJson(line)
      if (product === undefined || product === null || product === '') continue // a frame without product
      path = String(product)
    }
    const kind = statOf(path)
    if (!kind) search.missing.push(path)
    else if (kind.isDirectory()) addFolder(search, path)
    else add(search, path)
  }
}

function parseJson(line: string): { product?: unknown } {
  try {
    return JSON.parse(line) as { product?: unknown }
  } catch {
    throw new DataError(`standard input is neither paths nor JSON lines: ${line.slice(0, 60)}`)
  }
}

function readStdin(): string {
  const pieces: Buffer[] = []
  const piece = Buffer.allocUnsafe(1 << 16)
  for (;;) {
    try {
      const n = readSync(0, piece)
      if (n === 0) return Buffer.concat(pieces).toString('utf8')
      pieces.push(Buffer.from(piece.subarray(0, n)))
    } catch (error) {
      if (systemCode(error) === 'EOF') return Buffer.concat(pieces).toString('utf8')
      if (systemCode(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10) // the writer is slower than we are
    }
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function addOne(search: Search, argument: string, lists: readonly string[]): void {
  const kind = argument === '-' ? undefined : statOf(argument)
  // A name that exists means itself, whatever characters it has.
  if (argument === '-') addStdin(search)
  else if (kind?.isDirectory()) addFolder(search, argument)
  else if (kind) add(search, argument)
  else if (argument.startsWith('@') && statOf(argument.slice(1))) addList(search, argument.slice(1), lists)
  else if (isPattern(argument)) addPattern(search, argument)
  else search.missing.push(argument)
}

const name3 = (names: string[]) =>
  names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '')

/**
 * The files meant by what was given: folders (with all below), files, quoted patterns, `@list.txt` (paths relative to
 * the list), `-` for paths on standard input. Each once, in the order of their names, so that the order in which they
 * were given, and the folder they lie in, change nothing.
 */
export function expandInputs(args: readonly string[], options: InputOptions = {}): InputFile[] {
  const { extensions = FITS_EXTENSIONS, stdin, allowEmpty = false } = options
  const search: Search = { extensions, stdin, found: new Map(), missing: [], dangling: [] }
  for (const argument of args) {
    try {
      addOne(search, argument, [])
    } catch (error) {
      throw explainSystemError(error, 'read', argument)
    }
  }
  const missing = search.missing.filter((path) => !(allowEmpty && isPattern(path)))
  if (missing.length) throw new ConfigError(`no such input: ${name3(missing)}`, 'check the paths, and quote patterns')
  const files = [...search.found.values()]
  // No empty night: its frames are kept where we cannot see them.
  if (files.length === 0 && search.dangling.length > 0) {
    throw new DataError(`the links to all frames lead nowhere: ${name3(search.dangling)}`, 'is their disk mounted?')
  }
  if (files.length === 0 && !allowEmpty) {
    throw new DataError(`no frames in ${name3([...args])}`, `looked for ${extensions.slice(0, 4).join(' ')} …`)
  }
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return files.sort((a, b) => order(a.name, b.name) || order(a.path, b.path))
}
