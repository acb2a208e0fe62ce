import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { plainName } from './names.js'
import { listProfiles, profileFolder } from './profile.js'
import { profileSchema } from './profile-schema.js'
import { type HeaderLookup, matchesWord } from './reader.js'
import { scanIni } from './scan.js'
import { readValue } from './values.js'

/** Tells of a header which shipped profile it probably belongs to, by [profile] recognise; undefined when to none. */
export function profileRecogniser(
  folder: string | undefined = profileFolder(),
): (lookup: HeaderLookup) => string | undefined {
  const profiles = listProfiles(folder).map((name) => ({ name, rules: rulesOf(join(folder!, `${name}.ini`)) }))
  return (lookup) => profiles.find(({ rules }) => rules.some((rule) => isMet(rule, lookup)))?.name
}

/**
 * The rules of one profile, without those of its parents. Of all the profiles only this section is read: a command that
 * reduces one frame has no time for more. A damaged file recognises nothing; who asks for it is told.
 */
function rulesOf(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split(/\r\n|\n|\r/)
  const isTitle = (line: string) => line.trimStart().startsWith('[')
  const from = lines.findIndex((line) => isTitle(line) && plainName(line) === '[profile]')
  if (from < 0) return []
  const length = lines.slice(from + 1).findIndex(isTitle)
  const section = lines.slice(from, length < 0 ? undefined : from + 1 + length).join('\n')
  const entry = scanIni(section, path).entries.find(({ key }) => plainName(key) === 'recognise')
  const rules = entry && readValue(profileSchema.profile.recognise, entry.value)
  return Array.isArray(rules) ? rules.map(String) : []
}

function isMet(rule: string, lookup: HeaderLookup): boolean {
  const colon = rule.indexOf(':')
  const value = lookup(rule.slice(0, colon).trim())
  return colon > 0 && value !== undefined && matchesWord(String(value).trim(), rule.slice(colon + 1).trim())
}
