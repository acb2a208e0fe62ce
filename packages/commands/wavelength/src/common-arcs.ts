import { type CommonSolution, commonSolutions, type WavelengthSolution, zeroPointError } from '@nightpipe/spectra'
import type { Arc } from './arcs.js'

/** A fibre of an arc of a set, and the arcs whose solutions its wavelengths are the mean of: their times and errors (m/s). */
export type SharedSolution = CommonSolution & { meanOf: (Pick<Arc, 'mjd' | 'members'> & { error: number })[] }

/** What the arcs of a set have in common: their wavelengths with the same lines in all of them, by fibre. */
export type CommonArc = Arc & { common: ReadonlyMap<number, SharedSolution> }

/** With more lines than this the choice of each fit averages out by itself (0.8 m/s with 2500, where their light leaves 0.65; 20 m/s with 200). */
const MANY = 1000

/**
 * Arcs with the wavelengths that they have together: of each fibre the mean of all, moved by the lines that they have in common. So the
 * lines that each fit happened to take no longer tell arcs apart. Fibres with very many lines keep their own.
 */
export function commonArcs(arcs: readonly Arc[]): CommonArc[] {
  const fibres = [...new Set(arcs.flatMap(({ solutions }) => solutions.map(({ fibre }) => fibre)))]
  const maps = arcs.map(() => new Map<number, SharedSolution>())
  for (const fibre of fibres) {
    const show = [...arcs.keys()].filter((k) => arcs[k]!.solutions.some((one) => one.fibre === fibre))
    const solutions = show.map((k) => arcs[k]!.solutions.find((one) => one.fibre === fibre)!)
    if (Math.max(...solutions.map(({ used }) => used)) > MANY) continue
    const common = commonSolutions(solutions, arcs[show[0]!]!.fwhm)
    const meanOf = show.flatMap((k, n) =>
      common[n] ? [{ mjd: arcs[k]!.mjd, members: arcs[k]!.members, error: zeroPointError(solutions[n]!) }] : [],
    )
    show.forEach((k, n) => {
      const one = common[n]
      if (one) maps[k]!.set(fibre, { ...one, meanOf })
    })
  }
  return arcs.map((arc, k): CommonArc => {
    const moved = (one: WavelengthSolution) => {
      const found = maps[k]!.get(one.fibre)
      return found ? { ...one, polynomial: found.polynomial } : one
    }
    return { ...arc, solutions: arc.solutions.map(moved), common: maps[k]! }
  })
}

/** All arcs, those of a set with the wavelengths that they have together; `known` keeps what was found for sets before. */
export function commonOf(
  set: readonly number[],
  arcs: readonly Arc[],
  known: Map<string, CommonArc[]>,
): (Arc | CommonArc)[] {
  const key = set.join()
  const found = known.get(key) ?? commonArcs(set.map((k) => arcs[k]!))
  known.set(key, found)
  const out: (Arc | CommonArc)[] = [...arcs]
  set.forEach((k, n) => {
    out[k] = found[n]!
  })
  return out
}
