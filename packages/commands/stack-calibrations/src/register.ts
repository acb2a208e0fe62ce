import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { CALIBRATIONS_FILE, calibrationsTable, describeMaster } from '@nightpipe/calibrations'
import { type Plan, productPath, type Request, type Row } from '@nightpipe/command'
import { addStandards, type NewStandard, openTree } from '@nightpipe/spectrographs'
import { upsertRows } from '@nightpipe/table'
import type { StackJob } from './plan.js'
import type { schema } from './schema.js'

/** Every master of this run gets its row in calibrations.csv, read from the master itself. */
export async function registerMasters(
  request: Request<typeof schema>,
  rows: readonly Row[],
  plan: Plan<StackJob>,
): Promise<void> {
  if (openTree(request.flags)) return await registerInTree(request, rows, plan)
  const made = [...new Set(rows.flatMap(({ product }) => product ?? []))].sort()
  if (made.length === 0) return
  await upsertRows(join(request.output, CALIBRATIONS_FILE), calibrationsTable, made.map(describeMaster))
}

/** In a tree they get theirs in csv/standards.csv. */
async function registerInTree(
  { flags, context }: Request<typeof schema>,
  rows: readonly Row[],
  { jobs }: Plan<StackJob>,
): Promise<void> {
  const tree = openTree(flags)!
  const used = new Map<string, Set<string>>()
  for (const { input, status, product } of rows) {
    if (status === 'done' && product) used.set(product, (used.get(product) ?? new Set()).add(input))
  }
  const made = jobs.flatMap(({ products, params: { kind, group } }): NewStandard[] => {
    const path = productPath(products[0]!, context)
    const frames = group.frames.filter((frame) => used.get(path)?.has(frame.path))
    const last = frames.at(-1)
    if (!kind || !last || !existsSync(path)) return []
    const { camera, mjd } = last.facts
    return [{ type: kind, path, averaged: frames.length, camera: camera!, mjd: mjd! }]
  })
  await addStandards(tree, made)
}
