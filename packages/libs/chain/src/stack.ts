import { formatMjd } from '@nightpipe/sky'
import { readStandards, type StandardType } from '@nightpipe/spectrographs'
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
    const [start, end] = [
      Math.min(...rows.map(({ mjd }) => mjd!)) - MARGIN,
      Math.max(...rows.map(({ mjd }) => mjd!)) + MARGIN,
    ]
    if (!rows.some(isNew) && hasStack(chain, made, start, end)) continue
    const { code, message } = await call(chain, 'stack-calibrations', [
      ...['--calibration-type', type, '--start', iso(start), '--end', iso(end)],
    ])
    if (code !== 0)
      trouble.push({ step: `stack ${type} of ${day}`, reason: message ?? `stack-calibrations ended with ${code}` })
  }
  return trouble
}

const JD_OF_MJD = 2400000.5

function hasStack({ tree }: Chain, type: StandardType, start: number, end: number): boolean {
  return readStandards(tree).some((row) => {
    const mjd = (row.JDdata ?? 0) - JD_OF_MJD
    return row.Type === type && (row.Navg ?? 1) > 1 && mjd >= start && mjd <= end
  })
}
