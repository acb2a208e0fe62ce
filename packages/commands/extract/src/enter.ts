import type { Plan, Row } from '@nightpipe/command'
import { addStandards, type NewStandard, type StandardType, type Tree } from '@nightpipe/spectrographs'
import type { ExtractJob } from './plan.js'

/** Which images are calibrations of others, and as what. */
const ENTERED: Partial<Record<string, StandardType>> = { FLAT: 'FLAT', DBLE: 'DOUBLE', BLAZ: 'BLAZE' }

/** Enters the flats, arcs and stars of a run in standards.csv. */
export async function enterProducts(tree: Tree, rows: readonly Row[], { jobs }: Plan<ExtractJob>): Promise<void> {
  const done = new Set(rows.filter(({ status }) => status === 'done').map(({ input }) => input))
  const entries = jobs
    .filter(({ inputs }) => done.has(inputs[0]!))
    .flatMap(({ products, params: { kinds, camera, mjd, lit } }): NewStandard[] =>
      kinds.flatMap((kind, k) => {
        const type = ENTERED[kind]
        if (!type || mjd === undefined) return []
        return [{ type, path: products[k + 1]!, averaged: 1, camera: camera ?? tree.camera, mjd, fibres: lit }]
      }),
    )
  await addStandards(tree, entries)
}
