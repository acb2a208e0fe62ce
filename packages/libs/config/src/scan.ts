import ini from 'ini'
import { plainName } from './names.js'

/** One `key = value` of an INI file, or of `--set`. */
export interface Entry {
  section: string
  key: string
  value: string
  /** Where it stands: `night.ini:7`, or `--set`. */
  origin: string
}

export interface Scan {
  entries: Entry[]
  /** The sections that the text opens, with or without keys. */
  sections: { name: string; origin: string }[]
  problems: string[]
}

/** No person writes a longer one: it is another kind of file. */
const LONGEST_INI = 1 << 20
const BINARY = /[^\P{Cc}\s]/u

/**
 * Reads the lines of an INI text. `ini` alone would turn a malformed line into a key, cut values at `#` and `;`, let the
 * last of repeated keys win and split names at dots, all in silence: here each is a problem with its line number. Only
 * the values (quotes and escapes) are then left to `ini`.
 */
export function scanIni(content: string, name: string): Scan {
  const scan: Scan = { entries: [], sections: [], problems: [] }
  if (content.length > LONGEST_INI || BINARY.test(content)) {
    scan.problems.push(
      `${name}: this is not an INI file (it holds ${content.length > LONGEST_INI ? 'more than 1 MB' : 'binary data'})`,
    )
    return scan
  }
  const seen = new Map<string, string>()
  let section: string | undefined
  for (const [index, line] of content
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const origin = `${name}:${index + 1}`
    const trimmed = line.trim()
    if (trimmed === '' || /^[#;]/.test(trimmed)) continue
    if (trimmed.startsWith('[')) {
      section = openSection(trimmed, origin, seen, scan) ?? section
      continue
    }
    const problem = addEntry(trimmed, origin, section, seen, scan)
    if (problem) scan.problems.push(`${origin}: ${problem}`)
  }
  readValues(scan)
  return scan
}

/** The name of the section that a line opens. A section stands in one place: two would hide half of the keys. */
function openSection(line: string, origin: string, seen: Map<string, string>, scan: Scan): string | undefined {
  const name = /^\[([^[\]]*)\]$/.exec(line)?.[1].trim()
  if (!name) {
    const advice = /^\[[^[\]]+\]\s*[#;]/.test(line) ? 'put the comment on a line of its own' : "expected '[section]'"
    scan.problems.push(`${origin}: '${shorten(line)}' opens no section (${advice})`)
    return undefined
  }
  const first = seen.get(plainName(name))
  if (first)
    scan.problems.push(
      `${origin}: section [${name}] appears again (first on line ${lineOf(first)}; keep its keys together)`,
    )
  else seen.set(plainName(name), origin)
  scan.sections.push({ name, origin })
  return name
}

function addEntry(line: string, origin: string, section: string | undefined, seen: Map<string, string>, scan: Scan) {
  const equals = line.indexOf('=')
  const key = line.slice(0, equals).trim()
  if (equals < 0) return `'${shorten(line)}' is neither 'key = value' nor '[section]'`
  if (key === '') return `'${shorten(line)}' has no key before '='`
  if (section === undefined) return `'${key}' stands before the first [section]`
  const id = `${plainName(section)}\n${plainName(key)}`
  const first = seen.get(id)
  if (first) return `key '${key}' of [${section}] is given again (first on line ${lineOf(first)})`
  seen.set(id, origin)
  const value = line.slice(equals + 1).trim()
  scan.entries.push({ section, key, value, origin })
  return valueProblem(value)
}

/** What `ini` would silently do to a value that was not meant. */
function valueProblem(value: string): string | undefined {
  const quote = /^["']/.exec(value)?.[0]
  if (quote) {
    if (value.length < 2 || !value.endsWith(quote))
      return `${shorten(value)} is not closed by ${quote} at the end of the line`
    if (quote === '"' && !isJson(value)) return `${shorten(value)}: in double quotes write \\\\ for \\ and \\" for "`
    return undefined
  }
  const cut = /(?<!\\)[#;]/.exec(value)
  if (!cut) return undefined
  return `the value would be cut at '${cut[0]}' (put a comment on a line of its own, or the value in double quotes)`
}

function isJson(value: string): boolean {
  try {
    return typeof JSON.parse(value) === 'string'
  } catch {
    return false
  }
}

/** Gives the values to `ini`, each under a key of ours so that it meets neither dots nor brackets in names. */
function readValues(scan: Scan): void {
  const lines = scan.entries.map(({ value }, k) => `v${k}=${requote(value)}`)
  const parsed = ini.parse(lines.join('\n'))
  for (const [k, entry] of scan.entries.entries()) entry.value = String(parsed[`v${k}`])
}

/** `ini` reads what is in single quotes as JSON where it can ('1e3' becomes 1000): double quotes keep the text. */
const requote = (value: string): string => (/^'.*'$/s.test(value) ? JSON.stringify(value.slice(1, -1)) : value)

const lineOf = (origin: string): string => origin.slice(origin.lastIndexOf(':') + 1)
const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text)
