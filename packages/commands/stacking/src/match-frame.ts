import { type CirclePlan, circlesOf } from './circles.js'
import { compareLight, roughScale } from './compare-light.js'
import type { Places } from './examine.js'
import { withoutHits } from './leave-out-hits.js'
import { type Nodes, type Sky, type Surface, skyOf } from './sky-surface.js'

/** A frame with the light about its stars, as far as others are compared with it. Plain data. */
export interface Measured {
  places: Places
  /** Median sky, and seeing of its stars. */
  sky: number
  seeing: number
  gain?: number
  exposureSeconds?: number
  noiseFactor: number
}

export interface MatchArgs {
  frame: Measured
  /** Absent: the frame is the reference. */
  reference?: Measured
  nodes: Nodes
  plan: CirclePlan
  scale: string
  background: string
}

/** What brings a frame to the flux scale and to the sky of the reference. */
export interface Match {
  scale: number
  scaleError: number
  /** Stars that the scale is from. */
  common: number
  offset: number
  surface?: Surface
}

/** Scale and sky of a frame, relative to the reference. */
export function matchFrame({ frame, reference, nodes, plan, scale: how, background }: MatchArgs): Match {
  const ratio = reference
    ? ratioOf(frame, reference, plan, how)
    : { scale: 1, error: 0, common: frame.places.stars.sigma.length }
  const { scale, error, common } = ratio
  const sky = skyOf(skyIn(frame), skyIn(reference ?? frame), scale, nodes, background)
  return { scale, scaleError: error, common, ...sky }
}

const skyIn = ({ places, sky }: Measured): Sky => ({ at: places.sky, level: sky })

function ratioOf(frame: Measured, reference: Measured, plan: CirclePlan, how: string) {
  if (how === 'none') return { scale: 1, error: 0, common: 0 }
  const [ours, theirs] = [frame.exposureSeconds, reference.exposureSeconds]
  const byTime = { scale: ours && theirs ? theirs / ours : 1, error: Number.NaN, common: 0 }
  if (how === 'exposure') return byTime
  const circles = circlesOf(plan)
  const [here, there] = [sightingOf(reference), sightingOf(frame)]
  const scale = roughScale(here, there, circles)
  if (!scale) return byTime
  const cleaned = withoutHits(surroundingsOf(reference), surroundingsOf(frame), plan, {
    ...{ scale, reach: reachOf(reference, frame) },
  })
  if (!cleaned) return compareLight(here, there, circles) ?? byTime
  return compareLight({ ...here, stars: cleaned[0] }, { ...there, stars: cleaned[1] }, circles) ?? byTime
}

const sightingOf = ({ places, seeing, gain = 1, noiseFactor }: Measured) => ({
  ...{ stars: places.stars, seeing, gain, noiseFactor },
})

const surroundingsOf = ({ places, gain = 1 }: Measured) => ({ ...places, gain })

/** What stars explain is looked for in most of a seeing disc. */
const reachOf = (one: Measured, other: Measured) => Math.max(1, Math.round(0.6 * Math.max(one.seeing, other.seeing)))
