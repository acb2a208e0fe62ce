import { type ArcPart, ofMembers } from '@nightpipe/spectrographs'
import type { ArcShare } from './choose-arcs.js'
import type { UsedArc } from './used-arc.js'

/** What the light of the arcs leaves unknown of the zero point of the wavelengths of a fibre, arc by arc. */
export function arcPartsOf(
  arcs: readonly UsedArc[],
  [fibre, shares]: readonly [number, readonly ArcShare[]],
): ArcPart[] {
  const of = <T>(some: readonly [number, T][]) => some.find(([one]) => one === fibre)?.[1]
  const parts = shares.flatMap(({ arc, share }): ArcPart[] => {
    const { mjd, members, zeroErrors, meanOf } = arcs[arc]!
    const error = of(zeroErrors)
    if (error === undefined) return []
    return ofMembers({ fibre, mjd, what: of(meanOf) ? 'place' : 'fit', share, error }, members)
  })
  // arcs that are compared have the mean of one and the same set
  const set = shares.map(({ arc }) => of(arcs[arc]!.meanOf)).find((one) => one !== undefined) ?? []
  return [
    ...parts,
    ...set.flatMap(({ mjd, members, error }) =>
      ofMembers({ fibre, mjd, what: 'fit', share: 1 / set.length, error }, members),
    ),
  ]
}
