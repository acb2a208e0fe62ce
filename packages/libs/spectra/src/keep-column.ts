import { type ColumnFit, PixelState } from './column-fit.js'
import type { GroupWork, TraceFlux } from './group-work.js'

/** Pixels beyond this share of the highest of the profile are its core. */
const CORE = 0.3

/** Copies the results of a column to those of the traces. */
export function keepColumn({ group }: GroupWork, fit: ColumnFit, x: number, results: TraceFlux[]): void {
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
export function sumBox(
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
