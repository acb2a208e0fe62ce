import { scoped } from '@nightpipe/kernels'
import { extractCleanColumns, isAlone } from './clean-columns.js'
import { type ColumnFit, createColumnFit, PixelState, solveFluxes, startFluxes, updateModel } from './column-fit.js'
import { createTraceFlux, type GroupWork, type TraceFlux } from './group-work.js'
import { keepColumn, sumBox } from './keep-column.js'
import type { LitTrace } from './lit-traces.js'
import { reachOf, sampleProfile } from './profile-table.js'
import { noteHits, rejectPixels } from './reject-pixels.js'
import { searchFlux } from './search-flux.js'

/** Bits of the mask of a frame. */
const FRAME = { bad: 1, saturated: 2, cosmicRay: 4, noData: 8 } as const
const NEVER = FRAME.bad | FRAME.cosmicRay | FRAME.noData

/** Optimal extraction of a group, all its traces together in every column; then once more beside cosmic rays. */
export function extractGroup(work: GroupWork): TraceFlux[] {
  const { frame, group, profiles } = work
  const reach = reachOf(profiles)
  const span = 2 * reach + 1
  const fit = createColumnFit(group.length, rowsOf(group, span), span, bandOf(group, span))
  const results = group.map(() => createTraceFlux(frame.width))
  const first = Math.min(...group.map((trace) => trace.first))
  const last = Math.max(...group.map((trace) => trace.last))
  const touched = new Uint8Array(frame.width + 2) // columns with a hit, one further on
  const { step = 1, lent } = work
  const odd = lent && isAlone(work) ? scoped(() => extractCleanColumns(work, lent, results[0]!)) : undefined
  for (let x = first; x <= last; x += step) {
    if (odd?.[x] === 0) continue
    if (extractColumn(work, fit, x, results, false)) touched[x + 1] = 1
  }
  if (step > 1) return results
  for (let x = first; x <= last; x++) {
    if (touched[x] || touched[x + 1] || touched[x + 2]) extractColumn(work, fit, x, results, true)
  }
  return results
}

/** Rows that a column of the group needs, at most. */
function rowsOf(group: readonly LitTrace[], span: number): number {
  const [low, high] = [group[0]!.y, group.at(-1)!.y]
  let most = 0
  for (let x = 0; x < low.length; x++) most = Math.max(most, high[x]! - low[x]!)
  return Math.ceil(most) + span + 2
}

/** Neighbours that a profile can overlap with, at most. */
function bandOf(group: readonly LitTrace[], span: number): number {
  let band = 0
  for (let a = 0; a < group.length; a++) {
    for (let b = a + band + 1; b < group.length; b++) {
      const [low, high] = [group[a]!, group[b]!]
      let near = false
      for (let x = 0; x < low.y.length && !near; x += 16) near = high.y[x]! - low.y[x]! < span + 1
      if (!near) break
      band = b - a
    }
  }
  return band
}

/** Rounds of fitting and rejecting in a column, at most: each finds what hid behind the last. */
const ROUNDS = 6

/** Fits one column; returns whether pixels were rejected. With `again`, pixels beside known cosmic rays are looked at more sternly. */
function extractColumn(work: GroupWork, fit: ColumnFit, x: number, results: TraceFlux[], again: boolean): boolean {
  const { perElectron } = work.noise
  const bottom = gather(work, fit, x)
  if (fit.rows === 0) return false
  startFluxes(fit)
  updateModel(fit, perElectron)
  let hits = settle(work, fit, x, bottom, again)
  if (hits > 0) {
    // what was begun with may have been the cosmic ray
    for (let a = 0; a < fit.traces; a++) {
      if (!isHit(fit, a)) continue
      fit.flux[a] = searchFlux(fit, a, perElectron)
      updateModel(fit, perElectron)
    }
    hits = settle(work, fit, x, bottom, again)
  }
  if (hits > 0 || again) noteHits(work, fit, x, bottom)
  solveFluxes(fit)
  updateModel(fit, perElectron)
  keepColumn(work, fit, x, results)
  if (work.method === 'box') for (let a = 0; a < fit.traces; a++) sumBox(work, fit, a, x, bottom, results[a]!)
  return hits > 0
}

/** Rejects and solves in turn, beginning with the model at hand, until the same pixels are rejected again. */
function settle(work: GroupWork, fit: ColumnFit, x: number, bottom: number, again: boolean): number {
  let hits = rejectPixels(work, fit, x, bottom, again, false)
  for (let round = 0; round < ROUNDS; round++) {
    solveFluxes(fit)
    updateModel(fit, work.noise.perElectron)
    const now = rejectPixels(work, fit, x, bottom, again, true)
    if (now === hits && (round >= 1 || now === 0)) break
    hits = now
  }
  return hits
}

function isHit({ span, start, rows, state }: ColumnFit, a: number): boolean {
  for (let row = Math.max(0, start[a]!); row < Math.min(rows, start[a]! + span); row++) {
    if (state[row] === PixelState.rejected) return true
  }
  return false
}

/** Brings the pixels of column x, their masks and the profiles of the group into the scratch; returns the lowest row. */
function gather(work: GroupWork, fit: ColumnFit, x: number): number {
  const { frame, group, profiles, fibres, half } = work
  const { span, start, profile, data, dark, state } = fit
  const { width, height, pixels, mask } = frame
  const reach = (span - 1) / 2
  fit.traces = group.length
  const bottom = Math.max(0, Math.round(group[0]!.y[x]!) - reach)
  const top = Math.min(height - 1, Math.round(group.at(-1)!.y[x]!) + reach)
  fit.rows = Math.max(0, top - bottom + 1)
  if (fit.rows === 0) return bottom
  state.fill(PixelState.outside, 0, fit.rows)
  dark.fill(1, 0, fit.rows)
  for (let a = 0; a < group.length; a++) {
    const trace = group[a]!
    const y = trace.y[x]!
    const row = Math.round(y)
    start[a] = row - reach - bottom
    if (x < trace.first || x > trace.last) {
      profile.fill(0, a * span, (a + 1) * span)
      continue
    }
    sampleProfile(profiles, trace.order * fibres + trace.fibre, x, y, row - reach, span, profile, a * span)
    const variance = work.dark[a]![Math.floor(x / work.darkBlock)]!
    const from = Math.max(bottom, Math.ceil(y - half))
    const to = Math.min(top, Math.floor(y + half))
    for (let r = from; r <= to; r++) {
      const at = r * width + x
      const bits = mask ? mask[at]! : 0
      const value = pixels[at]!
      data[r - bottom] = value
      dark[r - bottom] = variance
      state[r - bottom] =
        (bits & NEVER) !== 0 || !Number.isFinite(value)
          ? PixelState.bad
          : (bits & FRAME.saturated) !== 0
            ? PixelState.saturated
            : PixelState.used
    }
  }
  return bottom
}
