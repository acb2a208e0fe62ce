import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** True when a shell would see a pattern in it. */
export const isPattern = (text: string) => /[*?[{]/.test(text)

/** `{a,b}` written out, nested ones too: `flat_{g,r}.fits` is two patterns. */
export function expandBraces(pattern: string): string[] {
  const open = pattern.indexOf('{')
  let depth = 0
  const commas: number[] = []
  for (let i = open; open >= 0 && i < pattern.length; i++) {
    const c = pattern[i]
    if (c === '{') depth++
    else if (c === ',' && depth === 1) commas.push(i)
    else if (c === '}' && --depth === 0) {
      if (commas.length === 0) break // '{x}' means itself, as in a shell
      const bounds = [open, ...commas, i]
      const parts = bounds.slice(1).map((end, k) => pattern.slice(bounds[k]! + 1, end))
      return parts.flatMap((part) => expandBraces(pattern.slice(0, open) + part + pattern.slice(i + 1)))
    }
  }
  return [pattern]
}

/** One component of a path (`m67-???.fits`) as a regular expression; `*` and `?` do not match a leading dot. */
export function segmentPattern(segment: string): RegExp {
  let source = segment.startsWith('.') ? '' : '(?!\\.)'
  for (let i = 0; i < segment.length; i++) {
    const c = segment[i]!
    const set = c === '[' ? /^\[([!^]?)(\]?[^\]]*)\]/.exec(segment.slice(i)) : null
    if (c === '*') source += '.*'
    else if (c === '?') source += '.'
    else if (set) {
      source += `[${set[1] ? '^' : ''}${set[2]!.replace(/[\\\]^[]/g, '\\$&')}]`
      i += set[0].length - 1
    } else source += c.replace(/[.+^${}()|[\]\\/]/g, '\\$&')
  }
  return new RegExp(`^${source}$`, 'su')
}

function entries(folder: string): { name: string; folder: boolean }[] {
  try {
    return readdirSync(folder || '.', { withFileTypes: true }).map((entry) => {
      const linked = entry.isSymbolicLink() && statSync(join(folder, entry.name), { throwIfNoEntry: false })
      return { name: entry.name, folder: linked ? linked.isDirectory() : entry.isDirectory() }
    })
  } catch {
    return [] // not a folder, or not readable: nothing matches there
  }
}

function walk(folder: string, segments: string[], found: Set<string>): void {
  const [segment, ...rest] = segments
  if (segment === undefined) return
  if (segment === '**') {
    walk(folder, rest.length ? rest : ['*'], found)
    for (const entry of entries(folder)) {
      if (entry.folder && !entry.name.startsWith('.')) walk(join(folder, entry.name), segments, found)
    }
  } else if (!isPattern(segment)) {
    const path = folder ? join(folder, segment) : segment
    if (rest.length) walk(path, rest, found)
    else if (statSync(path, { throwIfNoEntry: false })) found.add(path)
  } else {
    const pattern = segmentPattern(segment)
    for (const entry of entries(folder)) {
      if (!pattern.test(entry.name)) continue
      const path = join(folder, entry.name)
      if (rest.length === 0) found.add(path)
      else if (entry.folder) walk(path, rest, found)
    }
  }
}

/** The paths that a quoted pattern matches: `*`, `?`, `[a-c]`, `{g,r}` and `**` for any depth of folders. */
export function glob(pattern: string): string[] {
  const found = new Set<string>()
  for (const plain of expandBraces(pattern)) {
    const absolute = plain.startsWith('/')
    walk(absolute ? '/' : '', plain.split('/').filter(Boolean), found)
  }
  return [...found].sort()
}
