import type { TraceFlux } from './group-work.js'
import type { LitTrace } from './lit-traces.js'

export interface Extracted {
  trace: LitTrace
  result: TraceFlux
}

/** A column of the detector that gives less than this part of what both its neighbours give is weak. */
const WEAK = 0.8
const SIGNIFICANT = 5

function noiseAt(error: Float64Array, x: number): number {
  const [own, before, after] = [error[x]!, error[x - 1]! || 0, error[x + 1]! || 0]
  return Math.sqrt(own * own + before * before + after * after)
}

/**
 * Weak columns of the detector, as seen in the light itself: dips one column wide, deeper than a line can be, at the same
 * place in traces next to one another. What is too faint to show it is weak where the next ones on both sides are. Returns
 * for each of `all`, sorted from the bottom up, the columns that are weak.
 */
export function weakColumns(all: readonly Extracted[]): Uint8Array[] {
  const dips = all.map(({ trace, result }) => dipsOf(trace, result))
  const below = nextSays(dips)
  const above = nextSays(dips.toReversed()).reverse()
  return dips.map((own, a) =>
    own.map((dip, x) => {
      const [under, over] = [below[a]![x] === 1, above[a]![x] === 1]
      return (dip === 1 && (under || over)) || (dip === 2 && under && over) ? 1 : 0
    }),
  )
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

/** For each trace, what the nearest of those before it says that is bright enough there; 0 where none is. */
function nextSays(dips: readonly Uint8Array[]): Uint8Array[] {
  const said = new Uint8Array(dips[0]?.length ?? 0)
  return dips.map((own) => {
    const before = said.slice()
    for (let x = 0; x < own.length; x++) if (own[x] !== 2) said[x] = own[x]!
    return before
  })
}

/** The same of the response of a flat, which is known well in every column. */
export function weakResponse(response: ArrayLike<number>, x: number): boolean {
  const beside = Math.min(response[x - 1] ?? 0, response[x + 1] ?? 0)
  return response[x]! < WEAK * beside
}
