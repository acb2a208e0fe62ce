import type { TraceFlux } from './group-work.js'
import type { Extracted } from './odd-columns.js'

/** A column of which less than this much was told has no flux of its own. */
export const LEAST_SEEN = 0.5

/**
 * How much a line may rise above its surroundings from one column to the next: a line whose full width at half maximum is 2.4
 * columns has 1.6 at its middle beside what it has a column further, and 4 on its flank.
 */
const SHARPEST = { middle: 1.6, flank: 4 }
const SIGNIFICANT = 5
/** The light about a hit column is that of the nearest columns without hits, from this far to this far away. */
const NEAR = 2
const FAR = 8
/** Rounds: what is told as unmeasured no longer vouches for its neighbours. */
const ROUNDS = 4

/**
 * Columns at cosmic rays whose flux rises out of their surroundings more sharply than any line can, or that stand alone
 * between columns of which nothing is known: all that could tell the flux was hit. Their `seen` becomes 0.
 */
export function dropSpikes({ trace: { first, last }, result }: Extracted): void {
  for (let round = 0; round < ROUNDS; round++) {
    let dropped = 0
    for (let x = first + 1; x < last; x++) {
      if (!isTouched(result, x) || !isTold(result, x) || !isSpike(result, x, first, last)) continue
      result.seen[x] = 0
      dropped++
    }
    if (dropped === 0) return
  }
}

const isTouched = ({ hits }: TraceFlux, x: number) => hits[x - 1]! + hits[x]! + hits[x + 1]! > 0

const isTold = ({ seen, flux }: TraceFlux, x: number) => seen[x]! >= LEAST_SEEN && Number.isFinite(flux[x]!)

function isSpike(result: TraceFlux, x: number, first: number, last: number): boolean {
  const { flux, error, hits } = result
  const [left, right] = [isTold(result, x - 1), isTold(result, x + 1)]
  if (isIsland(result, x)) return hits[x]! > 0
  if (!left && !right) return false
  const base = surroundings(result, x, first, last)
  if (base === undefined) return false
  // of two neighbours the higher one, of one the only one
  const beside = left && (!right || flux[x - 1]! > flux[x + 1]!) ? x - 1 : x + 1
  const factor = left && right ? SHARPEST.middle : SHARPEST.flank
  const excess = flux[x]! - base - factor * Math.max(0, flux[beside]! - base)
  const noise = flux[beside]! > base ? Math.hypot(error[x]!, factor * error[beside]!) : error[x]!
  return excess > SIGNIFICANT * noise
}

/** As many hit columns as this, between columns of which nothing is known, are as little known as these. */
const ISLAND = 3

function isIsland(result: TraceFlux, x: number): boolean {
  const shore = (way: -1 | 1) => {
    let at = x + way
    while (Math.abs(at - x) < ISLAND && result.hits[at]! > 0 && isTold(result, at)) at += way
    return at
  }
  const [from, to] = [shore(-1), shore(1)]
  return to - from - 1 <= ISLAND && !isTold(result, from) && !isTold(result, to)
}

/** The line between the nearest columns on either side that no cosmic ray came near; one of them alone will do. */
function surroundings(result: TraceFlux, x: number, first: number, last: number): number | undefined {
  const nearest = (way: -1 | 1) => {
    for (let d = NEAR; d <= FAR; d++) {
      const at = x + way * d
      if (at < first || at > last) return undefined
      if (result.hits[at] === 0 && isTold(result, at)) return at
    }
    return undefined
  }
  const [a, b] = [nearest(-1), nearest(1)]
  if (a === undefined || b === undefined) return result.flux[(a ?? b)!]
  return result.flux[a]! + ((x - a) / (b - a)) * (result.flux[b]! - result.flux[a]!)
}
