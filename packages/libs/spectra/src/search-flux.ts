import { type ColumnFit, PixelState } from './column-fit.js'

/** Residuals cost no more than this many sigma squared: light that is too much may be a cosmic ray, light that lacks hardly ever. */
const TOO_MUCH = 4
const TOO_LITTLE = 6
/** Pixels with less than this part of the highest share do not propose a flux. */
const CORE = 0.15

/**
 * The flux of a trace that explains most of its pixels, where some are not believed: of what each pixel of the core
 * proposes (less its neighbours' light) and the flux at hand, the one that costs least. Cosmic rays only add light, and a
 * cosmic ray on the two highest rows outvotes a median; here it costs two pixels, and its denial all others.
 */
export function searchFlux(fit: ColumnFit, a: number, perElectron: number): number {
  const { span, start, profile, data, model, state, rows, flux } = fit
  const from = Math.max(0, -start[a]!)
  const to = Math.min(span, rows - start[a]!)
  let peak = 0
  for (let k = from; k < to; k++) peak = Math.max(peak, profile[a * span + k]!)
  let best = flux[a]!
  let least = costOf(fit, a, best, perElectron, from, to)
  for (let k = from; k < to; k++) {
    const p = profile[a * span + k]!
    const row = start[a]! + k
    if (p < CORE * peak || (state[row]! & ~PixelState.rejected) !== 0) continue
    const proposed = (data[row]! - model[row]! + flux[a]! * p) / p
    const cost = costOf(fit, a, proposed, perElectron, from, to)
    if (cost < least) [best, least] = [proposed, cost]
  }
  return best
}

function costOf(fit: ColumnFit, a: number, value: number, perElectron: number, from: number, to: number): number {
  const { span, start, profile, data, model, dark, state, flux } = fit
  let cost = 0
  for (let k = from; k < to; k++) {
    const row = start[a]! + k
    if ((state[row]! & ~PixelState.rejected) !== 0) continue
    const p = profile[a * span + k]!
    const light = model[row]! + (value - flux[a]!) * p
    const residual = data[row]! - light
    const ratio = (residual * residual) / (dark[row]! + perElectron * Math.max(0, light))
    cost += Math.min(ratio, residual > 0 ? TOO_MUCH * TOO_MUCH : TOO_LITTLE * TOO_LITTLE)
  }
  return cost
}
