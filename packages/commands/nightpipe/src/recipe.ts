import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CALIBRATIONS_FILE, calibrationsTable } from '@nightpipe/calibrations'
import { FACTS_FILE, readFacts } from '@nightpipe/catalogues'
import type { Description, Provenance } from '@nightpipe/command'
import { readTable, upsertRows } from '@nightpipe/table'
import { type Ingredients, nameOf } from './ingredients.js'

/** The call that remakes a product; all that it reads lies in a scratch folder. */
export interface Recipe {
  args: string[]
  cwd: string
  output: string
}

/** Lays out a scratch folder: links to the parents where the recorded configuration expects them, and that INI. */
export async function layOutRecipe(
  scratch: string,
  made: Provenance,
  about: Description,
  parts: Ingredients,
): Promise<Recipe> {
  const output = join(scratch, 'made')
  // Each in a folder of its own: two parents may have one name.
  const links = parts.inputs.map((path, i) =>
    linkInto(join(scratch, 'given', String(i).padStart(6, '0')), path, parts.renamed),
  )
  for (const path of parts.others) linkInto(scratch, path, parts.renamed)
  for (const name of pathsInConfig(made, about)) await layOutPath(scratch, name, parts)
  writeFileSync(join(scratch, 'inputs.txt'), links.map((link) => `${link}\n`).join(''))
  writeFileSync(join(scratch, 'recorded.ini'), recordedIni(made, parts.profile))
  const takesInput = about.flags.some(({ name }) => name === 'input')
  const input = takesInput && links.length ? ['--input', `@${join(scratch, 'inputs.txt')}`] : []
  const flags = Object.entries(parts.flagged).flatMap(([flag, path]) => [
    `--${flag}`,
    linkInto(join(scratch, 'flags', flag), path, parts.renamed),
  ])
  return { args: [...input, ...flags, '--output', output, '--config', 'recorded.ini', '--quiet'], cwd: scratch, output }
}

function linkInto(folder: string, path: string, renamed: Ingredients['renamed']): string {
  const link = join(folder, nameOf(path, renamed))
  mkdirSync(folder, { recursive: true })
  if (existsSync(link)) return link
  symlinkSync(path, link)
  for (const companion of companionsOf(path)) symlinkSync(join(dirname(path), companion), join(folder, companion))
  return link
}

/** What a file needs beside it: a catalogue, the folder of its tiles. */
function companionsOf(path: string): string[] {
  const facts = basename(path) === FACTS_FILE ? readFacts(dirname(path)) : undefined
  return facts ? [facts.tiles] : []
}

/** It is a key of the INI, where the digest of the configuration does not count it. */
function recordedIni({ configText: config }: Provenance, profile: string | undefined): string {
  return profile ? `${config}\n[instrument]\nprofile = ${profile}\n` : config
}

/** Files and folders that the configuration names: of paths it recorded the last part only. */
function pathsInConfig({ configText: config }: Provenance, about: Description): string[] {
  const names: string[] = []
  let section = ''
  for (const line of config.split('\n')) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section
    const [, key, value] = /^([^#=]+?) = (.*)$/.exec(line) ?? []
    const row = about.config.find(
      (one) => one.key === key && one.section.replace('[.WORD]', '') === section.split('.')[0],
    )
    const name = value?.replace(/^"(.*)"$/, '$1')
    if (row?.kind === 'path' && name) names.push(name)
  }
  return names
}

/** A path that is not one of the parents is their folder, or the table that lists them. */
async function layOutPath(scratch: string, name: string, { others, renamed }: Ingredients): Promise<void> {
  if (others.some((path) => nameOf(path, renamed) === name)) return
  const isTable = name.endsWith('.csv')
  const folder = isTable ? scratch : join(scratch, name)
  mkdirSync(folder, { recursive: true })
  for (const path of others) linkInto(folder, path, renamed)
  for (const place of new Set(others.map((path) => dirname(path)))) {
    const table = join(place, isTable ? name : CALIBRATIONS_FILE)
    if (existsSync(table)) await copyTable(table, join(folder, basename(table)), others)
  }
}

/** The rows of the masters that served: the others, later ones too, must not be chosen now. */
async function copyTable(from: string, to: string, others: readonly string[]): Promise<void> {
  if (basename(from) !== CALIBRATIONS_FILE) return copyFileSync(from, to)
  const served = new Set(others.map((path) => basename(path)))
  const rows = readTable(from, calibrationsTable).filter((row) => served.has(basename(row.filename)))
  await upsertRows(
    to,
    calibrationsTable,
    rows.map((row) => ({ ...row, filename: basename(row.filename) })),
  )
}
