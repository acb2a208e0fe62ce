import { basename } from 'node:path'
import { formatMjd } from '@nightpipe/sky'
import { markStandards, readStandards, type StandardRow, type StandardType } from '@nightpipe/spectrographs'
import { type Chain, call } from './caller.js'
import type { ExposureRow } from './exposures.js'

/** Kinds of calibration: what stacking calls them, what the stack is in standards.csv, and how many frames it takes. */
export const STACKS = {
  bias: { type: 'BIAS', made: 'BIAS', least: 3 },
  dark: { type: 'DARK', made: 'DARK', least: 3 },
  flat: { type: 'FLAT', made: 'FLAT', least: 1 },
  arc: { type: 'ARC', made: 'TRIPLE', least: 1 },
} as const satisfies Record<string, { type: string; made: StandardType; least: number }>
export type StackKind = keyof typeof STACKS

/** A step that did not come to its end, and why. */
export interface Trouble {
  step: string
  reason: string
}

/** Before the first and after the last frame of a stack: dates are rounded in names and tables. */
const MARGIN = 60 / 86400

const iso = (mjd: number) => formatMjd(mjd, 0)

/** The stretch of time of some frames, and as a call of stack-calibrations has it. */
export function windowOfStack(mjds: readonly number[]): { start: number; end: number; window: string[] } {
  const [start, end] = [Math.min(...mjds) - MARGIN, Math.max(...mjds) + MARGIN]
  return { start, end, window: ['--start', iso(start), '--end', iso(end)] }
}

/** Stacks the calibrations of one kind, night by night, where something of a night is new or its stack is missing. */
export async function stackNights(
  chain: Chain,
  kind: StackKind,
  all: readonly ExposureRow[],
  isNew: (row: ExposureRow) => boolean,
): Promise<Trouble[]> {
  const { type, made, least } = STACKS[kind]
  const usable = all.filter((row) => row.status === 'done' && row.mjd !== undefined)
  const trouble: Trouble[] = []
  for (const day of [...new Set(usable.map((row) => row.day ?? ''))].sort()) {
    const rows = usable.filter((row) => (row.day ?? '') === day)
    if (chain.signal.aborted) break
    if (rows.length < least) {
      chain.log.info(`${day}: ${rows.length} ${kind} frames, ${least} are needed for a master`)
      continue
    }
    const { start, end, window } = windowOfStack(rows.map(({ mjd }) => mjd!))
    if (!rows.some(isNew) && stacksOf(chain, made, start, end).length > 0) continue
    const { code, message, products } = await call(chain, 'stack-calibrations', [
      ...['--calibration-type', type, ...window],
    ])
    // Arcs stand side by side: stars between two of them take both.
    if (code === 0 && kind !== 'arc') await retire(chain, made, start, end, products)
    if (code !== 0) {
      const reason = message ?? `stack-calibrations ended with ${code}`
      trouble.push({ step: `stack ${type} of ${day}`, reason })
    }
  }
  return trouble
}

const JD_OF_MJD = 2400000.5

/** The masters of a kind with data of that time that are in use. */
function stacksOf({ tree }: Chain, type: StandardType, start: number, end: number): StandardRow[] {
  return readStandards(tree).filter((row) => {
    const mjd = (row.JDdata ?? 0) - JD_OF_MJD
    return row.Type === type && (row.Navg ?? 1) > 1 && mjd >= start && mjd <= end && !row.Flags?.startsWith('1')
  })
}

/** Masters of a night that were made when it had fewer frames are not to be used any more. */
export async function retire(
  chain: Chain,
  type: StandardType,
  start: number,
  end: number,
  made: readonly string[],
): Promise<void> {
  const fresh = new Set(made.map((path) => basename(path)))
  const all = stacksOf(chain, type, start, end)
  if (!all.some(({ Filename }) => fresh.has(basename(Filename)))) return
  const old = all.filter(({ Filename }) => !fresh.has(basename(Filename))).map(({ Filename }) => Filename)
  if (old.length === 0) return
  chain.log.info(`superseded, and marked unusable: ${old.join(', ')}`)
  await markStandards(chain.tree, old, false)
}
