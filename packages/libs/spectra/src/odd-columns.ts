import type { TraceFlux } from './group-work.js'
import type { LitTrace } from './lit-traces.js'

export interface Extracted {
  trace: LitTrace
  result: TraceFlux
}

/** A column of the detector that gives less than this part of what both its neighbours give is weak. */
const WEAK = 0.8
const SIGNIFICANT = 5

const noiseAt = (error: Float64Array, x: number) => Math.hypot(error[x]!, error[x - 1]! || 0, error[x + 1]! || 0)

/**
 * Weak columns of the detector, as seen in the light itself: dips one column wide, deeper than a line can be, at the same
 * place in traces next to one another. What is too faint to show it is weak where the next ones on both sides are. Returns
 * for each of `all`, sorted from the bottom up, the columns that are weak.
 */
export function weakColumns(all: readonly Extracted[]): Uint8Array[] {
  const dips = all.map(({ trace, result }) => dipsOf(trace, result))
  const weak = dips.map((dip) => new Uint8Array(dip.length))
  for (let a = 0; a < all.length; a++) {
    for (let x = 0; x < dips[a]!.length; x++) {
      const dip = dips[a]![x]
      if (dip === 0) continue
      const [below, above] = [nextSays(dips, a, -1, x), nextSays(dips, a, 1, x)]
      if (dip === 1 ? below || above : below && above) weak[a]![x] = 1
    }
  }
  return weak
}

/** 1: a dip; 2: too faint to say; 0: none. */
function dipsOf({ first, last }: LitTrace, { flux, error }: TraceFlux): Uint8Array {
  const dips = new Uint8Array(flux.length).fill(2)
  for (let x = first + 1; x < last; x++) {
    const least = Math.min(flux[x - 1]!, flux[x + 1]!)
    const noise = noiseAt(error, x)
    if (flux[x]! < WEAK * least && least - flux[x]! > SIGNIFICANT * noise) dips[x] = 1
    else if ((1 - WEAK) * least > SIGNIFICANT * noise) dips[x] = 0
  }
  return dips
}

/** Whether the next trace up or down that is bright enough there has a dip too. */
function nextSays(dips: readonly Uint8Array[], a: number, step: number, x: number): boolean {
  for (let b = a + step; b >= 0 && b < dips.length; b += step) if (dips[b]![x] !== 2) return dips[b]![x] === 1
  return false
}

/** The same of the response of a flat, which is known well in every column. */
export function weakResponse(response: ArrayLike<number>, x: number): boolean {
  const beside = Math.min(response[x - 1] ?? 0, response[x + 1] ?? 0)
  return response[x]! < WEAK * beside
}
