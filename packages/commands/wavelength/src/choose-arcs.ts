import type { Arc } from './arcs.js'
import type { Exposure } from './exposures.js'

/** What an arc (its place in the list) contributes to the wavelengths of a fibre; shares of a fibre add up to 1. */
export interface ArcShare {
  arc: number
  share: number
}

/** Arcs on both sides of an exposure take part when the further one is no further than the NRES pipeline looks for masters, days. */
const windowOf = (nearest: number) => Math.max(3.5 * nearest, nearest + 3.5)

/**
 * The arcs that each fibre of an exposure takes: the nearest before and after, by their distance in time, or the nearest alone. An arc
 * that also shows the lamp's own fibre is preferred: the drift since then can be measured.
 */
export function chooseArcs(
  exposure: Pick<Exposure, 'mjd' | 'camera'>,
  arcs: readonly Arc[],
  options: { 'maximum age': number; interpolate: boolean; lamp: readonly number[] },
): [number, ArcShare[]][] {
  const limit = options['maximum age'] || Number.POSITIVE_INFINITY
  const near = arcs
    .map((arc, k) => ({ k, arc, away: Number.isNaN(arc.mjd - exposure.mjd) ? 0 : arc.mjd - exposure.mjd }))
    .filter(
      ({ arc, away }) => Math.abs(away) <= limit && (!arc.camera || !exposure.camera || arc.camera === exposure.camera),
    )
  const fibres = [...new Set(near.flatMap(({ arc }) => arc.solutions.map(({ fibre }) => fibre)))].sort((a, b) => a - b)
  return fibres.map((fibre): [number, ArcShare[]] => {
    const of = (wanted: readonly number[]) =>
      near.filter(({ arc }) => wanted.every((one) => arc.solutions.some((solution) => solution.fibre === one)))
    const both = of([fibre, ...options.lamp])
    const candidates = both.length > 0 ? both : of([fibre])
    const nearest = (some: typeof near) =>
      some.reduce<(typeof near)[number] | undefined>(
        (a, b) => (a && Math.abs(a.away) <= Math.abs(b.away) ? a : b),
        undefined,
      )
    const before = nearest(candidates.filter(({ away }) => away <= 0))
    const after = nearest(candidates.filter(({ away }) => away > 0))
    const one = nearest(candidates)!
    const window = windowOf(Math.abs(one.away))
    if (!options.interpolate || !before || !after || after.away > window || -before.away > window) {
      return [fibre, [{ arc: one.k, share: 1 }]]
    }
    const share = after.away / (after.away - before.away)
    return [
      fibre,
      [
        { arc: before.k, share },
        { arc: after.k, share: 1 - share },
      ].filter((one) => one.share > 0),
    ]
  })
}
