import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { CALIBRATIONS_FILE, calibrationsTable, describeMaster } from '@nightpipe/calibrations'
import { type Plan, productPath, type Request, type Row } from '@nightpipe/command'
import { numberOf, textOf } from '@nightpipe/fits'
import {
  addStandards,
  addZero,
  type NewStandard,
  openTree,
  readArc,
  readOrderImage,
  readZero,
} from '@nightpipe/spectrographs'

import { upsertRows } from '@nightpipe/table'
import { TRIPLE_OFFSET_DAYS } from './combine-arcs.js'
import type { StackJob } from './plan.js'
import type { schema } from './schema.js'
import type { SpectraJob } from './spectra-job.js'

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
  const made = jobs.flatMap(({ products, params }): NewStandard[] => {
    const path = productPath(products[0]!, context)
    if (!('group' in params)) return rowOfSpectra(path, params, used.get(path))
    const { kind, group } = params
    const frames = group.frames.filter((frame) => used.get(path)?.has(frame.path))
    const last = frames.at(-1)
    if (!kind || !last || !existsSync(path)) return []
    const { camera, mjd } = last.facts
    return [{ type: kind, path, averaged: frames.length, camera: camera!, mjd: mjd! }]
  })
  await addStandards(tree, made)
  for (const { products, params } of jobs) {
    const path = productPath(products[0]!, context)
    if (!('group' in params) && params.kind === 'ZERO') await enterTemplate(path, params, used.get(path))
  }
}

/** A template goes to csv/zeros.csv, not yet approved for stars of other names: `zeros approve` does that. */
async function enterTemplate(path: string, { tree, singles }: SpectraJob, used: Set<string> | undefined) {
  const [first] = singles.filter((single) => used?.has(single.path))
  if (!first || !existsSync(path)) return
  const { header, target = '' } = readZero(path)
  const value = (keyword: string) => numberOf(header, keyword)
  const colour = (a?: number, b?: number) => (a !== undefined && b !== undefined ? a - b : undefined)
  const stars = { teff: value('TEFF'), logg: value('LOGG') }
  await addZero(tree, {
    ...{ path, averaged: used!.size, camera: first.camera, jd: first.mjd + 2400000.5, target },
    ...{ fibre: first.fibres?.[0] ?? 0, ...stars },
    ...{ bv: colour(value('BMAG'), value('VMAG')), jk: colour(value('JMAG'), value('KMAG')) },
  })
}

/** Flats and arcs go to csv/standards.csv. */
function rowOfSpectra(path: string, params: SpectraJob, used: Set<string> | undefined): NewStandard[] {
  if (params.kind === 'FLAT') return flatRow(path, params, used)
  const own = params.singles.filter((single) => used?.has(single.path))
  const [first] = own
  if (params.kind !== 'DOUBLE' || !first || !existsSync(path)) return []
  const fibres = readArc(path)?.solutions.map(({ fibre }) => fibre) ?? []
  const mjd = first.mjd + TRIPLE_OFFSET_DAYS
  return [{ type: 'TRIPLE', path, averaged: Math.max(2, own.length), camera: first.camera, mjd, fibres }]
}

/** A master flat: it has the fibres that any of its flats has, and is flagged where it failed its check. */
function flatRow(path: string, { singles }: SpectraJob, used: Set<string> | undefined): NewStandard[] {
  const own = singles.filter((single) => used?.has(single.path))
  if (own.length === 0 || !existsSync(path)) return []
  const { header } = readOrderImage(path)
  const fibres = (textOf(header, 'OBJECTS') ?? '').split('&').flatMap((word, fibre) => (word === 'none' ? [] : [fibre]))
  const unusable = (numberOf(header, 'FLATCHK') ?? 1) < 0
  const [{ camera, mjd }] = own as [SpectraJob['singles'][number]]
  // an average of one is no single: it must not be stacked again, nor yield to what it was made of
  const frames = numberOf(header, 'NFRAVGD') ?? own.length
  return [{ type: 'FLAT', path, averaged: Math.max(2, frames), camera, mjd, fibres, unusable }]
}
