import type { Arc } from './arcs.js'
import type { Exposure } from './exposures.js'
import { togetherShares } from './together.js'

/** What an arc (its place in the list) contributes to the wavelengths of a fibre; shares of a fibre add up to 1. */
export interface ArcShare {
  arc: number
  share: number
}

/** Arcs on both sides of an exposure take part when the further one is no further than the NRES pipeline looks for masters, days. */
const windowOf = (nearest: number) => Math.max(3.5 * nearest, nearest + 3.5)

/** Arcs of one night, days from the one nearest to the exposure. */
export const NIGHT = 0.5
/** No more of them than this: more would hardly add. */
const MOST = 12
/** No more of several nights. */
export const MOST_TOGETHER = 24

/** The arcs that serve a fibre: by their distance in time alone, or the averages of all that show the drift since. */
export interface Serving {
  fibre: number
  /** by time: where the lamp does not show the drift since each */
  chosen: ArcShare[]
  /** arcs that serve alike; of several nights, as far as the fibres lie alike in them */
  alike?: { arcs: number[]; several: boolean }
}

type Options = Parameters<typeof chooseArcs>[2] & { together?: number }

/**
 * Where the lamp shows the drift since any arc, all arcs of the nearest night serve alike: their own noise averages out. So do those of
 * other nights, as far as the fibres lie alike in them. For fibres that
 * no arc has together with the lamp's, and where the lamp is not lit, the answer is that of chooseArcs.
 */
export function servingArcs(
  exposure: Pick<Exposure, 'mjd' | 'camera'>,
  arcs: readonly Arc[],
  options: Options,
): Serving[] {
  const chosen = chooseArcs(exposure, arcs, options)
  return chosen.map(([fibre, shares]): Serving => {
    if (options.lamp.length === 0 || Number.isNaN(exposure.mjd)) return { fibre, chosen: shares }
    const alike = alikeArcs(exposure, arcs, options, [fibre, shares])
    return { fibre, chosen: shares, ...(alike && { alike }) }
  })
}

function alikeArcs(
  exposure: Pick<Exposure, 'mjd' | 'camera'>,
  arcs: readonly Arc[],
  options: Options,
  [fibre, shares]: [number, ArcShare[]],
): Serving['alike'] {
  const shows = (k: number, wanted: number) => arcs[k]!.solutions.some((one) => one.fibre === wanted)
  const fibres = [fibre, ...options.lamp]
  const nearest = shares.reduce((a, b) => (b.share > a.share ? b : a)).arc
  if (!fibres.every((one) => shows(nearest, one))) return undefined
  const away = (k: number) => Math.abs(arcs[k]!.mjd - arcs[nearest]!.mjd)
  const { camera } = exposure
  const serve = [...arcs.keys()].filter(
    (k) => fibres.every((one) => shows(k, one)) && (!camera || !arcs[k]!.camera || arcs[k]!.camera === camera),
  )
  const night = serve.filter((k) => away(k) <= NIGHT)
  // an average of the tree stands for arcs that are gone: beside them it would count them twice
  const singles = night.filter((k) => !arcs[k]!.averaged)
  const some = (singles.length > 0 ? singles : night).sort((a, b) => away(a) - away(b) || a - b).slice(0, MOST)
  if (some.length === 0) return undefined
  const limit = Math.min(options.together ?? 0, options['maximum age'] || Number.POSITIVE_INFINITY)
  const nights = serve
    .filter((k) => !arcs[k]!.averaged && (some.includes(k) || Math.abs(arcs[k]!.mjd - exposure.mjd) <= limit))
    .sort((a, b) => away(a) - away(b) || a - b)
    .slice(0, MOST_TOGETHER)
  const several = nights.some((k) => away(k) > NIGHT)
  return { arcs: several ? nights : some.sort((a, b) => a - b), several }
}

/** The shares of arcs that serve. */
export function sharesOf(
  { mjd }: Pick<Exposure, 'mjd'>,
  arcs: readonly Arc[],
  serving: readonly Serving[],
  lamp: readonly number[],
): [number, ArcShare[]][] {
  return serving.map(({ fibre, chosen, alike }): [number, ArcShare[]] => {
    if (!alike) return [fibre, chosen]
    if (alike.several) return [fibre, togetherShares(mjd, arcs, alike.arcs, fibre, lamp)]
    return [fibre, alike.arcs.map((arc) => ({ arc, share: 1 / alike.arcs.length }))]
  })
}

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
