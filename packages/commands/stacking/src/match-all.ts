import { DataError, type Tools } from '@nightpipe/command'
import type { Places, PlacesArgs, Unreadable } from './examine.js'
import type { FrameInfo } from './frames.js'
import type { Match, MatchArgs, Measured } from './match-frame.js'
import { type Examined, type Matched, measuredOf, placesOf, referenceOf, weightOf } from './match-frames.js'
import { type Canvas, canvasOf } from './recipe.js'
import type { StackingSchema } from './schema.js'
import type { Nodes } from './sky-surface.js'
import { bytesOfStamps } from './stamps.js'

/** Frames that are measured and matched before the next ones: the surroundings of all their stars are not kept. */
const BATCH = 64
const BATCH_BYTES = 128 * 2 ** 20
/** Distance between the places at which the skies of frames are compared. */
const NODE_SPACING = 64

/** All frames with their scale, sky and weight relative to the best of them; `fail` is told of those that cannot be read. */
export async function matchAll(
  examined: readonly Examined[],
  fail: (frame: FrameInfo, reason: string) => void,
  tools: Tools<StackingSchema>,
): Promise<Matched[]> {
  const { match: how, combine } = tools.config
  const best = examined[referenceOf(examined)]
  const { plan, ...places } = placesOf(examined, best, how.stars)
  const nodes = nodesOf(canvasOf(examined.map(({ frame }) => frame)))
  const frames = [best, ...examined.filter((one) => one !== best)]
  const matched = new Map<Examined, Matched>()
  let reference: Measured | undefined
  const batchLength = Math.max(1, Math.min(BATCH, Math.floor(BATCH_BYTES / bytesOfStamps(places.x.length, plan.reach))))
  for (let from = 0; from < frames.length; from += batchLength) {
    const batch = frames.slice(from, from + batchLength)
    const wanted = batch.map(({ frame, map }): PlacesArgs => ({ frame, map, ...places, plan, nodes }))
    const found = await tools.map<PlacesArgs, Places | Unreadable>('measure', wanted)
    const readable = batch.flatMap((one, k): [Examined, Places][] => {
      const own = found[k]
      if (!('unreadable' in own)) return [[one, own]]
      fail(one.frame, own.unreadable)
      return []
    })
    const measured = readable.map(([one, own]) => measuredOf(one, own))
    if (from === 0 && readable[0]?.[0] !== best) throw new DataError(`${best.frame.name} cannot be read any more`)
    reference ??= measured[0]
    const args = measured.map((frame): MatchArgs => {
      const other = frame === reference ? undefined : reference
      return { frame, reference: other, nodes, plan, scale: how.scale, background: how.background }
    })
    const matches = await tools.map<MatchArgs, Match>('match', args)
    for (const [k, [one, { saturated }]] of readable.entries()) {
      const weight = weightOf(one, matches[k].scale, combine.weights)
      matched.set(one, { ...one, ...matches[k], isReference: one === best, weight, saturated })
    }
  }
  return examined.flatMap((one) => matched.get(one) ?? [])
}

/** Places on a canvas at which skies are compared. */
function nodesOf({ x0, y0, width, height }: Canvas): Nodes {
  const [columns, rows] = [
    Math.max(1, Math.floor(width / NODE_SPACING)),
    Math.max(1, Math.floor(height / NODE_SPACING)),
  ]
  const all = Array.from({ length: columns * rows }, (_, k) => k)
  return {
    x: Float64Array.from(all, (k) => x0 + ((k % columns) + 0.5) * (width / columns)),
    y: Float64Array.from(all, (k) => y0 + (Math.floor(k / columns) + 0.5) * (height / rows)),
  }
}
