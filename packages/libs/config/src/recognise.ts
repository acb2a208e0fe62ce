import { ConfigError } from '@nightpipe/files'
import { listProfiles, loadProfile } from './profile.js'
import { type HeaderLookup, matchesWord } from './reader.js'

/** Tells of a header which shipped profile it probably belongs to, by [profile] recognise; undefined when to none. */
export function profileRecogniser(folder?: string): (lookup: HeaderLookup) => string | undefined {
  const profiles = listProfiles(folder).map((name) => ({ name, rules: rulesOf(name, folder) }))
  return (lookup) => profiles.find(({ rules }) => rules.some((rule) => isMet(rule, lookup)))?.name
}

function rulesOf(name: string, folder: string | undefined): string[] {
  try {
    return loadProfile(name, { folder }).values.profile.recognise
  } catch (error) {
    if (error instanceof ConfigError) return [] // damaged: who asks for it is told
    throw error
  }
}

function isMet(rule: string, lookup: HeaderLookup): boolean {
  const colon = rule.indexOf(':')
  const value = lookup(rule.slice(0, colon).trim())
  return colon > 0 && value !== undefined && matchesWord(String(value).trim(), rule.slice(colon + 1).trim())
}
