import { stemOf } from '@nightpipe/files'
import type { InstrumentProfile } from './profile.js'
import { FRAME_TYPES, type FrameType } from './profile-schema.js'
import { matchesWord, type Reader } from './reader.js'

/** What the name of a file tells. */
export interface NameFacts {
  type?: FrameType
  filter?: string
  date?: string
  time?: string
}

const asPattern = (text: string, anything: string): string =>
  text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', anything)

/** The end of a path with as many folders as a pattern has, without the extensions of FITS. */
const endOf = (path: string, folders: number): string =>
  [...path.split(/[\\/]/).slice(-1 - folders, -1), stemOf(path)].join('/')

/** The words that may stand for {type}, with the type of each. */
function typeWords(profile: InstrumentProfile): { word: string; type: FrameType }[] {
  return FRAME_TYPES.flatMap((type) => profile.values['file types'][type].map((word) => ({ word, type })))
}

/**
 * Reads a path by the profile's patterns; empty where none fits. A pattern with folders reads the folders' names too. Where
 * several fit, each adds what those before it do not tell.
 */
export function readFileName(profile: InstrumentProfile, path: string | undefined): NameFacts {
  if (!path) return {}
  const words = typeWords(profile)
  // Longer words first, and none within another word: "arc" is not in "search".
  const alternatives = words.map(({ word }) => asPattern(word, '[a-z]*')).sort((a, b) => b.length - a.length)
  const places: Record<string, string> = {
    type: `(?<![a-z])(?<type>${alternatives.join('|') || '(?!)'})(?![a-z])`,
    date: '(?<date>\\d{4}-?\\d{2}-?\\d{2})',
    time: '(?<time>\\d{2}[-:]?\\d{2}[-:]?\\d{2})',
    filter: '(?<filter>[^_./-]+)',
    number: '\\d+',
  }
  const found: NameFacts[] = []
  for (const pattern of profile.values['file names'].patterns) {
    const parts = pattern.split(/\{(\w+)\}/)
    const source = parts.map((part, k) => (k % 2 ? (places[part] ?? '(?!)') : asPattern(part, '[^/]*'))).join('')
    const groups = new RegExp(`^${source}$`, 'i').exec(endOf(path, pattern.split('/').length - 1))?.groups
    if (!groups) continue
    const { type: said, ...rest } = groups
    const type = words.find(({ word }) => said !== undefined && matchesWord(said, word))?.type
    found.push(type ? { ...rest, type } : rest)
  }
  return Object.assign({}, ...found.reverse())
}

/** Whether the profile trusts the name of the file more than the header for a fact. */
export const nameWins = (reader: Reader, fact: string): boolean =>
  reader.profile.values['file names'].wins.includes(fact)

export interface NameParts {
  type: FrameType
  /** ISO, UTC, start of the exposure. */
  date?: string
  filter?: string
  number?: number
}

/** How this camera would call the file of a frame, without `.fits`: the profile's first pattern, filled. */
export function fileStemFor(parts: NameParts, profile: InstrumentProfile): string {
  const [day = '', time = ''] = (parts.date ?? '').split('T')
  const known = FRAME_TYPES.find((type) => type === parts.type)
  const fill: Record<string, string> = {
    type: (known && profile.values['file types'][known].find((word) => !word.includes('*'))) ?? parts.type,
    date: day.replaceAll('-', ''),
    time: time.slice(0, 8).replaceAll(':', ''),
    filter: (parts.filter ?? 'none').replace(/[^\w+]+/g, ''),
    number: String(parts.number ?? 1).padStart(4, '0'),
  }
  const pattern = profile.values['file names'].patterns[0] ?? '{type}-{number}'
  return pattern.replaceAll('*', '').replace(/\{(\w+)\}/g, (_, place: string) => fill[place] ?? '')
}
