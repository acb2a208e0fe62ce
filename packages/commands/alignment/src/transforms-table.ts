import { type Column, column, createHeader, type NewHdu, openFits, readTable, textOf } from '@nightpipe/fits'
import { type BrightStars, MODELS, type StoredMap } from '@nightpipe/registration'

/** How one frame lies on the reference, as the table keeps it. */
export interface Transform {
  file: string
  status: 'aligned' | 'rejected' | 'failed'
  reason: string
  model: string
  /** From a pixel of the reference to its place in the frame; `wcs`: by the plate solutions of both. */
  map?: StoredMap | { wcs: true }
  stars: number
  matched: number
  rms: number
  chance: number
  seeing: number
  ellipticity: number
  sky: number
  skySigma: number
}

export interface Transforms {
  reference: string
  rows: Transform[]
}

const NUMBERS = [
  ['RMS', 'rms', 'pix', 'distance of its stars from those of the reference'],
  ['CHANCE', 'chance', '', 'probability of a false match'],
  ['SEEING', 'seeing', 'pix', 'median full width at half maximum'],
  ['ELLIPTIC', 'ellipticity', '', 'median of 1 - b / a'],
  ['SKY', 'sky', '', 'median sky'],
  ['SKYSIG', 'skySigma', '', 'noise of a pixel of the sky'],
] as const
const COUNTS = [
  ['NSTARS', 'stars', 'stars found'],
  ['NMATCH', 'matched', 'stars in common with the reference'],
] as const
const TEXTS = [
  ['FILE', 'file', 'frame'],
  ['STATUS', 'status', 'aligned, rejected or failed'],
  ['REASON', 'reason', 'why it is not aligned'],
  ['MODEL', 'model', `${MODELS.join(', ')} or wcs`],
] as const

/** The product of a match: a row for each frame. */
export function transformsHdus({ reference, rows }: Transforms): NewHdu[] {
  const header = createHeader([['ALIGNREF', reference, 'frame on which the others are aligned']])
  const values = (field: keyof Transform) => rows.map((row) => row[field])
  return [
    { kind: 'empty', header },
    {
      kind: 'table',
      name: 'TRANSFORMS',
      rows: rows.length,
      columns: [
        ...TEXTS.map(([name, field, comment]) => ({ name, comment, values: values(field).map(String) })),
        {
          name: 'MAP',
          comment: 'reference to frame, pixels from 0 (JSON)',
          values: rows.map(({ map }) => (map ? JSON.stringify(map) : '')),
        },
        ...COUNTS.map(([name, field, comment]) => ({
          name,
          comment,
          values: Int32Array.from(values(field) as number[]),
        })),
        ...NUMBERS.map(([name, field, unit, comment]) => ({
          ...{ name, comment, ...(unit ? { unit } : {}) },
          values: Float64Array.from(values(field) as number[]),
        })),
      ],
    },
  ]
}

export function readTransforms(path: string): Transforms {
  const file = openFits(path)
  try {
    const table = readTable(file.hdus.find(({ name }) => name === 'TRANSFORMS')!)
    const cell = (name: string, k: number) => (column(table, name) as Column).values[k]
    const rows = Array.from({ length: table.rows }, (_, k) => {
      const row: Record<string, unknown> = {}
      for (const [name, field] of TEXTS) row[field] = String(cell(name, k)).trim()
      for (const [name, field] of [...COUNTS, ...NUMBERS]) row[field] = Number(cell(name, k))
      const map = String(cell('MAP', k)).trim()
      return { ...row, ...(map ? { map: JSON.parse(map) } : {}) } as unknown as Transform
    })
    return { reference: textOf(file.hdus[0]!.header, 'ALIGNREF') ?? '', rows }
  } finally {
    file.close()
  }
}

/** What a row says of the stars of a frame. */
export const starFacts = (stars?: BrightStars) => ({
  stars: stars?.count ?? 0,
  seeing: stars?.seeing ?? Number.NaN,
  ellipticity: stars?.ellipticity ?? Number.NaN,
  sky: stars?.sky ?? Number.NaN,
  skySigma: stars?.skySigma ?? Number.NaN,
})
