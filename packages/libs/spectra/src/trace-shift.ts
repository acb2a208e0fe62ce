import { median, medianOf } from '@nightpipe/math'
import type { NoiseModel, SpectralFrame } from './group-work.js'
import { type LitTrace, litTraces } from './lit-traces.js'
import { gaussianProfiles } from './measure-profiles.js'
import { type ProfileTable, profileTable, sampleProfile } from './profile-table.js'
import type { Traces } from './traces.js'

/** How far a frame lies above its traces. */
export interface TraceShift {
  /** rows; 0 where nothing tells it */
  shift: number
  error: number
  /** pieces of orders that agreed on it, and those that were asked */
  agreed: number
  asked: number
}

export interface ShiftOptions extends Pick<NoiseModel, 'readVariance' | 'perElectron'> {
  /** fibres with light in every column: a star or a lamp without lines */
  fibres: readonly number[]
  /** largest shift that is looked for, rows */
  reach: number
}

/** Columns of a piece of an order, and every how many of them one is looked at; of large frames fewer, about so many in all. */
const PIECE = 128
const STEP = 4
const COLUMNS = 20000
/** Pieces that tell where to begin, about. */
const COARSE = 250
/** The rows about the centre that tell the shift: those with at least this part of the highest share. */
const CORE = 0.08
const ROUNDS = 8
const CONVERGED = 2e-4
/** Pixels, and pieces, further off than this are not asked again. */
const CLIP = 4
/** A piece whose shift is known worse than this is not asked. */
const WORST = 0.2

/**
 * The shift of all traces of a frame together: in pieces of orders, the light that the profile leaves over is compared with
 * the slope of the profile, its height having been taken out; the pieces are combined, outliers clipped, until nothing
 * changes. It begins at the whole number of rows at which the profiles hold the most light.
 */
export function measureShift(frame: SpectralFrame, traces: Traces, options: ShiftOptions): TraceShift {
  const lit = litTraces(traces, options.fibres)
  const profiles = profileTable(traces) ?? gaussianProfiles(frame, traces, lit)
  const nothing = { shift: 0, error: Number.NaN, agreed: 0, asked: 0 }
  if (lit.length === 0) return nothing
  const step = Math.max(STEP, 2 ** Math.floor(Math.log2((lit.length * frame.width) / COLUMNS)))
  let shift = coarseShift(frame, lit, options.reach)
  let found = nothing
  for (let round = 0; round < ROUNDS; round++) {
    const pieces = lit.flatMap((trace) => piecesOf(frame, trace, traces, profiles, shift, options, step))
    const move = combine(pieces.filter(({ error }) => error < WORST))
    if (!move) return nothing
    // a step beyond a row is beyond what slopes can tell: half of it, and again
    shift += Math.max(-0.7, Math.min(0.7, move.value))
    found = { shift, error: move.error, agreed: move.agreed, asked: move.asked }
    if (Math.abs(move.value) < CONVERGED) break
  }
  return Math.abs(shift) <= options.reach + 1 ? found : nothing
}

/** The whole shift at which a window as high as the profile's core holds most light; medians along the order keep cosmic rays out. */
function coarseShift({ width, height, pixels }: SpectralFrame, lit: readonly LitTrace[], reach: number): number {
  const half = 2
  const rows = 2 * (reach + half) + 1
  const light = new Float64Array(rows)
  const sample = new Float64Array(Math.ceil(PIECE / STEP))
  const every = Math.max(1, Math.floor((lit.length * width) / (PIECE * COARSE)))
  let seen = 0
  for (const trace of lit) {
    for (let from = trace.first; from + PIECE <= trace.last + 1; from += PIECE) {
      if (seen++ % every !== 0) continue
      const column = new Float64Array(rows)
      for (let k = 0; k < rows; k++) {
        let n = 0
        for (let x = from; x < from + PIECE; x += STEP) {
          const y = Math.round(trace.y[x]!) + k - reach - half
          if (y >= 0 && y < height && Number.isFinite(pixels[y * width + x])) sample[n++] = pixels[y * width + x]!
        }
        column[k] = n > 0 ? median(sample, n) : 0
      }
      // pieces count alike, however bright
      const floor = Math.min(...column)
      const total = column.reduce((sum, value) => sum + value - floor, 0)
      if (total > 0) for (let k = 0; k < rows; k++) light[k]! += (column[k]! - floor) / total
    }
  }
  let [best, most] = [0, Number.NEGATIVE_INFINITY]
  for (let s = -reach; s <= reach; s++) {
    let sum = 0
    for (let k = -half; k <= half; k++) sum += light[s + reach + half + k]! * (half + 1 - Math.abs(k))
    // of equals the nearest
    if (sum > most + 1e-9 || (Math.abs(sum - most) <= 1e-9 && Math.abs(s) < Math.abs(best))) [best, most] = [s, sum]
  }
  return best
}

interface Piece {
  value: number
  error: number
}

/** What the pieces of one trace say of the step from `shift` to where the light lies. */
function piecesOf(
  frame: SpectralFrame,
  trace: LitTrace,
  traces: Traces,
  profiles: ProfileTable,
  shift: number,
  options: ShiftOptions,
  step: number,
): Piece[] {
  const pieces: Piece[] = []
  const reach = Math.ceil(traces.rows / 2)
  const scratch: Scratch = {
    reach,
    share: new Float64Array(2 * reach + 1),
    up: new Float64Array(2 * reach + 1),
    down: new Float64Array(2 * reach + 1),
  }
  for (let from = trace.first; from <= trace.last; from += PIECE) {
    const sums = { along: 0, slopes: 0 }
    for (let x = from; x <= Math.min(trace.last, from + PIECE - 1); x += step) {
      addColumn(frame, trace, traces.fibres, profiles, shift, options, x, scratch, sums)
    }
    if (sums.slopes > 0) pieces.push({ value: sums.along / sums.slopes, error: 1 / Math.sqrt(sums.slopes) })
  }
  return pieces
}

interface Scratch {
  reach: number
  share: Float64Array
  up: Float64Array
  down: Float64Array
}

/** Half of the step by which the slope of a profile is taken, rows. */
const SLOPE_STEP = 0.25

/** Adds what one column says: Σ r s / V and Σ s² / V, where s is the slope without what a change of the flux can do. */
function addColumn(
  { width, height, pixels, mask }: SpectralFrame,
  trace: LitTrace,
  fibres: number,
  profiles: ProfileTable,
  shift: number,
  { readVariance, perElectron }: ShiftOptions,
  x: number,
  { reach, share, up, down }: Scratch,
  sums: { along: number; slopes: number },
): void {
  const own = trace.order * fibres + trace.fibre
  const y = trace.y[x]! + shift
  const first = Math.round(y) - reach
  const rows = 2 * reach + 1
  if (first < 0 || first + rows > height) return
  sampleProfile(profiles, own, x, y, first, rows, share, 0)
  sampleProfile(profiles, own, x, y + SLOPE_STEP, first, rows, up, 0)
  sampleProfile(profiles, own, x, y - SLOPE_STEP, first, rows, down, 0)
  let peak = 0
  for (let r = 0; r < rows; r++) if (share[r]! > peak) peak = share[r]!
  let flux = 0
  let total = 0
  for (let r = 0; r < rows; r++) {
    const at = (first + r) * width + x
    if (!(share[r]! > CORE * peak) || mask?.[at] || !Number.isFinite(pixels[at]!)) share[r] = 0
    if (share[r] === 0) continue
    flux += pixels[(first + r) * width + x]!
    total += share[r]!
  }
  if (!(flux > 0 && total > 0.5)) return
  flux /= total
  let [pp, ps, ss, pr, sr] = [0, 0, 0, 0, 0]
  for (let r = 0; r < rows; r++) {
    if (share[r] === 0) continue
    const variance = readVariance + perElectron * flux * share[r]!
    const slope = (flux * (up[r]! - down[r]!)) / (2 * SLOPE_STEP)
    const residual = pixels[(first + r) * width + x]! - flux * share[r]!
    // a pixel far from the model is a cosmic ray, unless the model itself is off: then half of the light is
    if (Math.abs(residual) > 8 * Math.sqrt(variance) + 0.7 * flux * peak) return
    pp += (share[r]! * share[r]!) / variance
    ps += (share[r]! * slope) / variance
    ss += (slope * slope) / variance
    pr += (share[r]! * residual) / variance
    sr += (slope * residual) / variance
  }
  if (!(pp > 0)) return
  sums.along += sr - (ps / pp) * pr
  sums.slopes += Math.max(0, ss - (ps * ps) / pp)
}

/** The weighted mean of the pieces, those beyond four sigma of their median (in their scatter) left out. */
function combine(pieces: readonly Piece[]): (Piece & { agreed: number; asked: number }) | undefined {
  if (pieces.length === 0) return undefined
  const middle = medianOf(Float64Array.from(pieces, ({ value }) => value))
  const spread = 1.4826 * medianOf(Float64Array.from(pieces, ({ value }) => Math.abs(value - middle)))
  let [weights, sum, agreed] = [0, 0, 0]
  for (const { value, error } of pieces) {
    // traces are wrong by a little, each piece in its own way: no piece counts for more than that allows
    const variance = error * error + spread * spread
    if (Math.abs(value - middle) > CLIP * Math.sqrt(variance)) continue
    weights += 1 / variance
    sum += value / variance
    agreed++
  }
  if (weights === 0) return undefined
  return { value: sum / weights, error: 1 / Math.sqrt(weights), agreed, asked: pieces.length }
}
