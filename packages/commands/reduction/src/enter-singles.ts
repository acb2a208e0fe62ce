import { existsSync } from 'node:fs'
import { type Plan, productPath, type Request, type Row } from '@nightpipe/command'
import { addStandards, openTree } from '@nightpipe/spectrographs'
import type { ReductionJob } from './plan.js'
import type { ReductionSchema } from './schema.js'

/** Single biases and darks that were made in a tree get their rows in csv/standards.csv. */
export async function enterSingles(
  { flags, context }: Request<ReductionSchema>,
  rows: readonly Row[],
  { jobs }: Plan<ReductionJob>,
): Promise<void> {
  const tree = openTree(flags)
  if (!tree) return
  const done = new Set(rows.filter(({ status }) => status === 'done').map(({ input }) => input))
  const singles = jobs.flatMap(({ params: { kind, frame, product } }) => {
    const path = productPath(product, context)
    if (!kind || !done.has(frame.path) || !existsSync(path)) return []
    return [{ type: kind, path, averaged: 1, camera: frame.facts.camera!, mjd: frame.facts.mjd! }]
  })
  await addStandards(tree, singles)
}
