import { createHash } from 'node:crypto'
import { ConfigError } from '@nightpipe/command'
import type { FrameFacts, HeaderLookup, InstrumentProfile } from '@nightpipe/config'
import type { PipelineConfig } from './schema.js'

/** How frames are sorted into folders. */
export interface Workspace {
  /** for each level of folders, the keywords to look at, in order */
  levels: string[][]
  /** of the rules, with the instrument profile */
  digest: string
}

/** Names below the output folder that are ours. */
const TAKEN = ['calibrations', 'config', 'report', 'summary']

/** The rules of [Workspace], with the fall-backs of each keyword behind it. */
export function workspaceOf({ workspace }: PipelineConfig, profile: InstrumentProfile): Workspace {
  if (workspace.headers.length === 0) throw new ConfigError('[workspace] headers is empty', 'name at least one keyword')
  const instead = new Map<string, string[]>()
  for (const text of workspace.fallbacks) {
    const [keyword, others] = text.split(':').map((part) => part.trim())
    if (!keyword || !others) throw new ConfigError(`[workspace] fallbacks: '${text}' is not KEYWORD:INSTEAD|OR|OR`)
    instead.set(keyword.toUpperCase(), words(others))
  }
  const levels = workspace.headers.map((text) => words(text).flatMap((name) => [name, ...(instead.get(name) ?? [])]))
  const digest = createHash('sha256')
    .update(JSON.stringify(levels) + profile.canonical)
    .digest('hex')
    .slice(0, 16)
  return { levels, digest }
}

const words = (text: string) =>
  text
    .split('|')
    .map((word) => word.trim().toUpperCase())
    .filter(Boolean)

/** The folder of a frame: `GRB260101A/C1/r`. */
export function groupOf({ levels }: Workspace, lookup: HeaderLookup, facts: FrameFacts): string {
  const parts = levels.map((names) => names.map((name) => folderOf(name, lookup, facts)).find(Boolean) ?? 'unknown')
  if (TAKEN.includes(parts[0]!)) parts[0] += '_'
  return parts.join('/')
}

/**
 * The value of a keyword as the name of a folder. Filter and instrument go by the names that the instrument profile
 * gives them, which also knows codes and what stands in paths; the object likewise where no header tells it.
 */
function folderOf(name: string, lookup: HeaderLookup, facts: FrameFacts): string {
  const said = lookup(name)
  const text = said === undefined || said === null ? '' : String(said)
  if (name === 'FILTER') return folderName(facts.filter ?? text)
  if (name === 'INSTRUME') return folderName(facts.instrument !== 'unknown' ? facts.instrument : text)
  if (name === 'OBJECT') return folderName(facts.object ?? text)
  return folderName(text)
}

/** Letters, digits and . _ + - only; nothing that could lead out of the folder. */
export const folderName = (text: string): string =>
  text
    .trim()
    .replace(/[^\w.+-]+/g, '_')
    .replace(/^[._]+|[._]+$/g, '')
    .slice(0, 80)
