import { existsSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { ConfigError, DataError } from '@nightpipe/files'
import type { Linearity } from '@nightpipe/image'
import { mostSpecific } from './in-force.js'
import { numbers, path, type ValuesOf } from './options.js'

/** The keys of [linearity], which reducing frames and stacking their masters have in common. */
export const linearityKeys = {
  coefficients: numbers([], 'true = net (1 + c1 net + c2 net² …), in units of 1 / adu, 1 / adu² …'),
  table: path('', 'CSV of two columns, net and true, in adu, instead'),
}

export const LINEARITY_DOC =
  'What makes counts proportional to light: net is ADU above the bias. [linearity.NAME] is for one amplifier.'

/** [linearity] by what stands behind its name: '' for all amplifiers, else the name of one. */
export type LinearitySections = Readonly<Record<string, ValuesOf<typeof linearityKeys> | undefined>>

/** Refuses sections that cannot be meant. */
export function checkLinearity(sections: LinearitySections = {}): void {
  for (const { coefficients, table } of Object.values(sections).filter((one) => one !== undefined)) {
    if (coefficients.length && table) throw new ConfigError('[linearity]: give coefficients or a table, not both')
    if (table && !existsSync(table)) throw new ConfigError(`[linearity] table: ${table} does not exist`)
  }
}

/** The tables that are named, as what a product is made of. */
export function linearityTables(sections: LinearitySections = {}): { path: string; role: string }[] {
  const paths = Object.values(sections).flatMap((one) => one?.table || [])
  return [...new Set(paths)].map((path) => ({ path, role: 'linearity' }))
}

/** The sections as NAME=VALUE for the --set of another command; nothing when there is none. */
export function linearitySettings(sections: LinearitySections = {}): string[] {
  return Object.entries(sections).flatMap(([name, one]) => {
    const section = ['linearity', ...(name ? [name] : [])].join('.')
    const { coefficients = [], table = '' } = one ?? {}
    return [
      ...(coefficients.length > 0 ? [`${section}.coefficients=${coefficients.join(', ')}`] : []),
      ...(table ? [`${section}.table=${resolve(table)}`] : []),
    ]
  })
}

/** The correction for an amplifier: its own section, else the common one; undefined when there is none. */
export function linearityOf(amplifier: string, sections: LinearitySections = {}): Linearity | undefined {
  const { coefficients = [], table = '' } = sections[amplifier] ?? mostSpecific(sections, [amplifier]) ?? {}
  if (table) return { coefficients: [], table: readTable(table), said: basename(table) }
  return coefficients.length > 0 ? { coefficients, said: coefficients.join(' ') } : undefined
}

/** What a header says of the corrections of some amplifiers; undefined when there is none. */
export function linearityCard(corrections: readonly (Linearity | undefined)[]): string | undefined {
  if (corrections.every((one) => one === undefined)) return undefined
  const words = corrections.map((one) => one?.said ?? 'none')
  return [...new Set(words)].join('; ').slice(0, 66)
}

function readTable(path: string) {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/)
  const rows = lines.flatMap((line, k) => {
    const cells = line.split(/[,;\s]+/).filter(Boolean)
    if (cells.length === 0 || line.trim().startsWith('#') || (k === 0 && Number.isNaN(Number(cells[0])))) return []
    const pair = cells.map(Number)
    if (pair.length === 2 && pair.every(Number.isFinite)) return [pair]
    throw new DataError(`${path}:${k + 1}: '${line}' is not two numbers`, 'give net and true adu in each line')
  })
  const rising = rows.every(([n, t], k) => k === 0 || (n! > rows[k - 1]![0]! && t! > rows[k - 1]![1]!))
  if (rows.length < 2 || !rising) throw new DataError(`${path} has no two rising columns`, 'sort its lines')
  return { net: Float64Array.from(rows, ([n]) => n!), true: Float64Array.from(rows, ([, t]) => t!) }
}
