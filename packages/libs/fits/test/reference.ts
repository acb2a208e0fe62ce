import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository: tests run from packages/libs/fits/dist/test. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../../../..')
export const SHARED = process.env.NIGHTPIPE_FIXTURES ?? join(ROOT, '../shared/fixtures')
export const noShared = existsSync(SHARED) ? false : `no folder ${SHARED}`

export interface ReferenceHdu {
  kind: string
  name: string
  axes: number[]
  bitpix: number
  cards?: number
  values?: string
  pixels?: string
  nan?: number
  samples?: [number, number | null][]
  parameters?: string[]
  columns?: { name: string; numbers?: string; text?: string; cells?: number[] }[]
}

export type Reference = Record<string, { foreign?: boolean; hdus?: ReferenceHdu[] }>

export function readReference(folder: string): Reference {
  return JSON.parse(readFileSync(join(ROOT, 'fixtures/fits-reference', `${folder}.json`), 'utf8'))
}

/** As in scripts/fixtures/fits-reference.py: the values as float64, every NaN alike. */
export function digestNumbers(values: ArrayLike<number | bigint>): string {
  const copy = new Float64Array(values.length)
  const words = new Uint32Array(copy.buffer)
  for (let i = 0; i < copy.length; i++) {
    copy[i] = Number(values[i])
    if (Number.isNaN(copy[i])) words.set([0, 0x7ff80000], 2 * i)
  }
  return createHash('sha256').update(new Uint8Array(copy.buffer)).digest('hex').slice(0, 16)
}

export function digestTexts(texts: readonly string[]): string {
  return createHash('sha256')
    .update(Buffer.from(texts.join('\n'), 'latin1'))
    .digest('hex')
    .slice(0, 16)
}
