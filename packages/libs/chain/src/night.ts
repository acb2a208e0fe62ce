import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { inTree } from '@nightpipe/spectrographs'
import type { Chain } from './caller.js'
import type { ExposureRow, Exposures } from './exposures.js'
import { combineNights } from './masters.js'
import { outstanding, type Processed, processFrames, type Rules } from './process.js'
import type { RawFrame } from './raw-frames.js'
import { type StackKind, stackNights, type Trouble } from './stack.js'
import { refineTraces, tracesFor } from './traces.js'

/** What came of a stretch of nights. */
export interface Reduced extends Processed {
  trouble: Trouble[]
}

/** The calibrations of some nights, of one kind: reduced, and stacked night by night. */
export async function calibrate(
  chain: Chain,
  exposures: Exposures,
  kind: StackKind,
  frames: readonly RawFrame[],
  rules: Rules,
): Promise<Reduced> {
  const ours = frames.filter(({ type }) => type === kind)
  const combined =
    kind === 'arc'
      ? { worked: [], kept: [], trouble: [], alone: ours }
      : await combineNights(chain, exposures, kind, ours, rules)
  const alone = await processFrames(chain, exposures, combined.alone, rules)
  const isNew = new Set(alone.worked)
  const trouble = await stackNights(chain, kind, [...alone.worked, ...alone.kept], (row) => isNew.has(row))
  return join2(combined, { ...alone, trouble })
}

/** The traces of each night that has new flats, fitted on them. */
export async function traceNights(
  chain: Chain,
  exposures: Exposures,
  frames: readonly RawFrame[],
  rules: Rules,
): Promise<Trouble[]> {
  const flats = frames.filter(({ type, mjd }) => type === 'flat' && mjd !== undefined)
  const fresh = new Set(outstanding(chain, exposures, flats, rules))
  const trouble: Trouble[] = []
  for (const day of [...new Set(flats.map((flat) => flat.day))].sort()) {
    const night = flats.filter((flat) => flat.day === day)
    if (!night.some((flat) => fresh.has(flat)) || chain.signal.aborted) continue
    if (!tracesFor(chain, night[0]!).chosen) {
      trouble.push({ step: `trace-refine of ${day}`, reason: 'there are no traces to start from (run site-setup)' })
    } else trouble.push(...(await refineTraces(chain, night)))
  }
  return trouble
}

const join2 = (a: Reduced, b: Partial<Reduced>): Reduced => ({
  worked: [...a.worked, ...(b.worked ?? [])],
  kept: [...a.kept, ...(b.kept ?? [])],
  trouble: [...a.trouble, ...(b.trouble ?? [])],
})

/** All exposures of some nights: calibrations kind by kind, traces, then the stars, and what nobody knows. */
export async function reduceNights(
  chain: Chain,
  exposures: Exposures,
  frames: readonly RawFrame[],
  rules: Rules,
): Promise<Reduced> {
  let all: Reduced = { worked: [], kept: [], trouble: [] }
  for (const kind of ['bias', 'dark', 'flat', 'arc'] as const) {
    if (kind === 'flat') all = join2(all, { trouble: await traceNights(chain, exposures, frames, rules) })
    all = join2(all, await calibrate(chain, exposures, kind, frames, rules))
  }
  for (const kind of ['object', 'unknown'] as const) {
    const ours = frames.filter(({ type }) => type === kind)
    all = join2(all, await processFrames(chain, exposures, ours, rules))
  }
  return all
}

/** Calibrated frames in temp/ of exposures that are done: what came of them is elsewhere. Returns how many files went. */
export function sweep({ tree }: Pick<Chain, 'tree'>, rows: readonly ExposureRow[]): number {
  const done = rows.filter(({ status }) => status === 'done' || status === 'rejected')
  const places = done.flatMap(({ name, product }) =>
    ['red', 'extr', 'wave'].flatMap((folder) =>
      [`${name}.fits`, `${name}.fits.fz`, `${name}-1d.fits`, `${name}-1d.fits.fz`]
        .map((file) => inTree(tree, 'temp', folder, file))
        .filter((path) => existsSync(path) && path !== join(tree.folder, product ?? '')),
    ),
  )
  for (const path of places) rmSync(path)
  return places.length
}
