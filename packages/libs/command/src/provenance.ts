import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { type NewHdu, textOf } from '@nightpipe/fits'
import { type Digest, fileDigest, identityOf, PROVENANCE, productHeader } from './digest.js'
import type { Context, Job, Parent } from './types.js'

/** A parent as a product remembers it. */
export interface ParentRecord extends Digest {
  /** file name without folder */
  file: string
  role: string
  /** it was given as input, not by the configuration */
  given: boolean
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** Parents as they are written: sorted, so that their order in memory does not matter. */
export function recordsOf(parents: readonly Parent[]): ParentRecord[] {
  const records = parents.map(({ path, role, given = false }) => ({
    ...{ file: basename(path), role, given },
    ...fileDigest(path),
  }))
  return records.sort((a, b) => byText(a.role, b.role) || byText(a.file, b.file) || byText(a.id, b.id))
}

/**
 * The identity of a product: command, version, configuration, and who its parents are in which role. The name of the
 * product is in it, since one job may make several; the names and folders of the parents are not.
 */
export function productId(path: string, records: readonly ParentRecord[], context: Context): string {
  const parents = records.map(({ role, id }) => `parent ${role} ${id}`).sort(byText)
  const own = [
    `command ${context.command} ${context.version}`,
    `config ${context.configDigest}`,
    `name ${basename(path)}`,
  ]
  return identityOf([...own, ...parents].join('\n'))
}

/**
 * True when everything that a job makes is there and is what its inputs, the configuration and this version would give.
 * Products that are not FITS carry no identity: they count when they exist beside one that does.
 */
export function isCurrent(job: Pick<Job, 'products' | 'bare' | 'parents'>, context: Context): boolean {
  if (job.products.length === 0 || !job.products.every((path) => existsSync(path))) return false
  const stamped = job.products.filter((path) => !job.bare?.includes(path))
  const headers = stamped.map((path) => ({ path, header: productHeader(path) }))
  const ours = headers.filter(({ header }) => header)
  if (ours.length === 0 || headers.some(({ path, header }) => !header && /\.(fits|fz)$/.test(path))) return false
  if (ours.some(({ header }) => textOf(header!, 'NP_CFG') !== context.configDigest)) return false
  const records = recordsOf(job.parents)
  return ours.every(({ path, header }) => textOf(header!, 'NP_ID') === productId(path, records, context))
}

/** True for a product that this command made. */
export function isOwnProduct(path: string, command: string): boolean {
  const header = productHeader(path)
  return header !== undefined && textOf(header, 'NP_CMD') === command
}

/** The cards of the first header of a product. */
export function productCards(context: Context, id: string): [string, string, string][] {
  return [
    ['NP_CMD', context.command, 'nightpipe command that made this file'],
    ['NP_VER', context.version, 'version of nightpipe'],
    ['NP_CFG', context.configDigest, 'digest of its configuration'],
    ['NP_ID', id, 'digest of parents, config, version'],
  ]
}

/** The table that ends every product: a row for each parent, then the configuration, a row for each line. */
export function provenanceTable(records: readonly ParentRecord[], context: Context): NewHdu {
  const lines = context.configText.split('\n').map(escaped)
  if (lines.at(-1) === '') lines.pop()
  const fill = lines.map(() => '')
  const values = (of: (record: ParentRecord) => string) => records.map((record) => escaped(of(record)))
  return {
    kind: 'table',
    name: PROVENANCE,
    rows: records.length + lines.length,
    columns: [
      { name: 'FILE', values: [...values((r) => r.file), ...fill], comment: 'parent, without folder' },
      { name: 'ID', values: [...values((r) => r.id), ...fill], comment: 'NP_ID or SHA-256 of the parent' },
      {
        name: 'KIND',
        values: [...values((r) => r.kind), ...lines.map(() => 'config')],
        comment: 'np_id, sha256, or config',
      },
      { name: 'ROLE', values: [...values((r) => r.role), ...fill], comment: 'what the parent served as' },
      {
        name: 'GIVEN',
        values: [...records.map(({ given }) => (given ? 'input' : '')), ...fill],
        comment: 'input, or found by the configuration',
      },
      { name: 'CONFIG', values: [...records.map(() => ''), ...lines], comment: 'the configuration, line by line' },
    ],
  }
}

/** FITS tables hold ASCII; anything else, and what would be lost at the end of a line, is written as in JSON. */
const escaped = (line: string) =>
  line.replace(/[^\x20-\x7e]|\\| +$/g, (found) => (found === '\\' ? '\\\\' : [...found].map(codes).join('')))
const codes = (character: string) =>
  Array.from(
    { length: character.length },
    (_, k) => `\\u${character.charCodeAt(k).toString(16).padStart(4, '0')}`,
  ).join('')
