import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Reference {
  dates: { text: string; mjd: number; jd: number; taiMinusUtc: number; ttMinusUtc: number }[]
  angles: { text: string; unit: 'hours' | 'degrees'; degrees: number }[]
  galactic: { ra: number; dec: number; l: number; b: number }[]
  separations: { from: [number, number]; to: [number, number]; separation: number; positionAngle: number }[]
  projections: {
    name: string
    cards: Record<string, string | number>
    points: { x: number; y: number; ra: number; dec: number }[]
  }[]
}

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../../../..')

/** What astropy computes; made by scripts/fixtures/sky-reference.py. */
export const reference: Reference = JSON.parse(readFileSync(join(root, 'fixtures/sky/reference.json'), 'utf8'))
