import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lackingFixtures, REPOSITORY } from '@nightpipe/testing'

export const noShared = lackingFixtures()

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
  return JSON.parse(readFileSync(join(REPOSITORY, 'fixtures/fits-reference', `${folder}.json`), 'utf8'))
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
