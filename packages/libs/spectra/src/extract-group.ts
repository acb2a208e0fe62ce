import { type ColumnFit, createColumnFit, PixelState, solveFluxes, startFluxes, updateModel } from './column-fit.js'
import type { LitTrace } from './lit-traces.js'
import { type ProfileTable, reachOf, sampleProfile } from './profile-table.js'
import { searchFlux } from './search-flux.js'

/** A calibrated frame: pixels net of bias, dark and scattered light. */
export interface SpectralFrame {
  width: number
  height: number
  pixels: Float32Array
  /** one sigma of each pixel */
  error?: Float32Array
  /** bits as in the MASK of frames; 0 is good */
  mask?: ArrayLike<number>
}

/** How pixels vary, and when one is not believed. */
export interface NoiseModel {
  /** of the read-out, in the unit of the pixels, squared */
  readVariance: number
  /** variance that a unit of light brings: 1 in electrons, 1 / gain in ADU */
  perElectron: number
  /** pixels brighter than the model by this many sigma are cosmic rays; beside a cosmic ray `near` sigma suffice */
  high: number
  near: number
  /** pixels darker than the model by this many sigma are bad */
  low: number
  /** how well profiles are known, as a fraction of the light in a pixel */
  accuracy: number
  /** lines may be tilted by up to this much, columns per row: light that goes by so much with its slope is no cosmic ray */
  tilt?: number
  /** and, while they are being measured, as a fraction of the light of the column: wings may yet be missing */
  blur?: number
}

/** Bits of the mask of a frame. */
const FRAME = { bad: 1, saturated: 2, cosmicRay: 4, noData: 8 } as const
const NEVER = FRAME.bad | FRAME.cosmicRay | FRAME.noData

/** What a group of traces needs, and where its results go. */
export interface GroupWork {
  frame: SpectralFrame
  group: readonly LitTrace[]
  profiles: ProfileTable
  /** fibres of the traces, to find their profiles */
  fibres: number
  /** rows used on either side of the centre */
  half: number
  noise: NoiseModel
  /** 'box': sums instead of what weighs best */
  method: 'optimal' | 'box'
  /** variance that pixels have without light, for each trace of the group and block of columns, unit² */
  dark: Float64Array[]
  darkBlock: number
  /** of the frame: 1 where a pixel was not believed; filled here */
  rejected: Uint8Array
  /** every how many columns one is extracted; 1 unless only profiles are wanted */
  step?: number
}

/** The results of one trace; arrays over the columns of the detector. */
export interface TraceFlux {
  flux: Float64Array
  error: Float64Array
  /** how much of what all pixels could tell of the flux the good ones told, 0 … 1 */
  seen: Float32Array
  /** pixels not believed, in the rows used */
  hits: Uint8Array
  /** saturated pixels in the core */
  saturated: Uint8Array
  /** columns in which the detector gives less than beside them */
  weak: Uint8Array
}

export const createTraceFlux = (width: number): TraceFlux => ({
  flux: new Float64Array(width).fill(Number.NaN),
  error: new Float64Array(width).fill(Number.NaN),
  seen: new Float32Array(width),
  hits: new Uint8Array(width),
  saturated: new Uint8Array(width),
  weak: new Uint8Array(width),
})

/** Optimal extraction of a group, all its traces together in every column; then once more beside cosmic rays. */
export function extractGroup(work: GroupWork): TraceFlux[] {
  const { frame, group, profiles } = work
  const reach = reachOf(profiles)
  const span = 2 * reach + 1
  const fit = createColumnFit(group.length, frame.height, span, bandOf(group, span))
  const results = group.map(() => createTraceFlux(frame.width))
  const first = Math.min(...group.map((trace) => trace.first))
  const last = Math.max(...group.map((trace) => trace.last))
  const touched = new Uint8Array(frame.width + 2) // columns with a hit, one further on
  const { step = 1 } = work
  for (let x = first; x <= last; x += step) if (extractColumn(work, fit, x, results, false)) touched[x + 1] = 1
  if (step > 1) return results
  for (let x = first; x <= last; x++) {
    if (touched[x] || touched[x + 1] || touched[x + 2]) extractColumn(work, fit, x, results, true)
  }
  return results
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

/**
 * Marks the pixels that are not believed: those too far from the model for noise, that of the model itself included.
 * A pixel that took part pulled the model towards itself, by its leverage P² σ²(f) / V. Returns how many, weighted by
 * their rows, so that two different sets are not taken for the same.
 */
function rejectPixels(
  { frame, noise, rejected, half, group }: GroupWork,
  fit: ColumnFit,
  x: number,
  bottom: number,
  again: boolean,
  solved: boolean,
): number {
  const { span, start, profile, data, model, inverse, state, error, rows } = fit
  const { blur = 0, tilt = 0 } = noise
  let sum = 0
  for (let a = 0; a < fit.traces; a++) {
    const y = group[a]!.y[x]!
    const from = Math.max(0, Math.ceil(y - half) - bottom)
    const to = Math.min(rows - 1, Math.floor(y + half) - bottom)
    const flux2 = solved ? error[a]! * error[a]! || 0 : 0
    for (let row = from; row <= to; row++) {
      const was = state[row]!
      if ((was & ~PixelState.rejected) !== 0) continue
      const residual = data[row]! - model[row]!
      const square = residual * residual * inverse[row]!
      // two thirds of all pixels are nearer than anything that could matter
      if (square < NEAR && was === 0) continue
      const p = profile[a * span + row - start[a]!]!
      const leverage = Math.min(0.9, p * p * flux2 * inverse[row]!)
      const known = noise.accuracy * model[row]! + blur * fit.flux[a]!
      const expected = (was === 0 ? 1 - leverage : 1 + leverage) + known * known * inverse[row]!
      const sharp = residual > 0 && again && besideHit(frame, rejected, x, row + bottom)
      const limit = residual > 0 ? (sharp ? noise.near : noise.high) : noise.low
      let off = square > limit * limit * expected
      if (off && tilt > 0) {
        const leaning = tilt * Math.abs(row + bottom - y) * slopeAt(frame, x, row + bottom)
        const lean = known + Math.min(leaning, LEAN * Math.max(0, model[row]!))
        off = square > limit * limit * (expected + (lean * lean - known * known) * inverse[row]!)
      }
      state[row] = off ? PixelState.rejected : PixelState.used
      if (off) sum += row + 1
    }
  }
  return sum
}

/** The most that a tilt can do, as a fraction of the light in a pixel. */
const LEAN = 0.25

/** By how much the light rises or falls steadily through a column: 0 in peaks, as of cosmic rays, and in dips. */
function slopeAt({ width, pixels }: SpectralFrame, x: number, y: number): number {
  if (x === 0 || x === width - 1) return 0
  const at = y * width + x
  const [before, after] = [pixels[at]! - pixels[at - 1]!, pixels[at + 1]! - pixels[at]!]
  return before * after > 0 ? Math.min(Math.abs(before), Math.abs(after)) : 0
}

/** Pixels as near as this to the model are never rejected, in sigma squared: leverage is 0.9 at most, and limits 1 at least. */
const NEAR = 0.1

/** Writes what was rejected in a column into the map of the frame. */
function noteHits({ frame, rejected }: GroupWork, { rows, state }: ColumnFit, x: number, bottom: number): void {
  for (let row = 0; row < rows; row++) {
    if ((state[row]! & PixelState.outside) === 0) {
      rejected[(row + bottom) * frame.width + x] = state[row] === PixelState.rejected ? 1 : 0
    }
  }
}

/** Whether a pixel touches one that was not believed. */
function besideHit({ width, height }: SpectralFrame, rejected: Uint8Array, x: number, y: number): boolean {
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
      if (rejected[v * width + u] && (u !== x || v !== y)) return true
    }
  }
  return false
}

/** Pixels beyond this share of the highest of the profile are its core. */
const CORE = 0.3

/** Copies the results of a column to those of the traces. */
function keepColumn({ group }: GroupWork, fit: ColumnFit, x: number, results: TraceFlux[]): void {
  for (let a = 0; a < group.length; a++) {
    const trace = group[a]!
    if (x < trace.first || x > trace.last) continue
    const out = results[a]!
    out.flux[x] = Number.isNaN(fit.error[a]!) ? Number.NaN : fit.flux[a]!
    out.error[x] = fit.error[a]!
    keepState(fit, a, x, out)
  }
}

/** What happened to the pixels of a trace, and how much the good ones told of what all would have. */
function keepState(
  { span, start, profile, inverse, state, rows }: ColumnFit,
  a: number,
  x: number,
  out: TraceFlux,
): void {
  const from = Math.max(0, -start[a]!)
  const to = Math.min(span, rows - start[a]!)
  let [told, all, hits, saturated, peak] = [0, 0, 0, 0, 0]
  for (let k = from; k < to; k++) {
    const row = start[a]! + k
    if (state[row] === PixelState.outside) continue
    const p = profile[a * span + k]!
    const tells = p * p * inverse[row]!
    all += tells
    if (p > peak) peak = p
    if (state[row] === PixelState.used) told += tells
    else if (p > 0 && state[row] === PixelState.rejected) hits++
  }
  for (let k = from; k < to && told < all; k++) {
    if (state[start[a]! + k] === PixelState.saturated && profile[a * span + k]! > CORE * peak) saturated++
  }
  out.seen[x] = all > 0 ? told / all : 0
  out.hits[x] = Math.min(255, hits)
  out.saturated[x] = saturated
}

/**
 * The sum of the rows of a box about the centre, edges by halves of pixels, over the share of the light in it. The light
 * of neighbours is taken off; pixels that are not believed have what the profile gives them, with its error.
 */
function sumBox(
  { group, half }: GroupWork,
  fit: ColumnFit,
  a: number,
  x: number,
  bottom: number,
  out: TraceFlux,
): void {
  const { span, start, profile, data, model, inverse, state, rows, flux, error } = fit
  const trace = group[a]!
  if (x < trace.first || x > trace.last || Number.isNaN(error[a]!)) return
  const y = trace.y[x]! - bottom
  let [sum, noise, share, filled] = [0, 0, 0, 0]
  for (let k = 0; k < span; k++) {
    const row = start[a]! + k
    const part = Math.min(1, half + 0.5 - Math.abs(row - y)) // of the row that lies in the box
    if (row < 0 || row >= rows || part <= 0) continue
    const p = profile[a * span + k]!
    share += part * p
    if (state[row] === PixelState.used) {
      sum += part * (data[row]! - model[row]! + flux[a]! * p)
      noise += (part * part) / inverse[row]!
    } else {
      sum += part * flux[a]! * p
      filled += part * p
    }
  }
  out.flux[x] = sum / share
  out.error[x] = Math.sqrt(noise + (filled * error[a]!) ** 2) / share
}
