import { findTrails } from '@nightpipe/image'
import { medianOf, power } from '@nightpipe/math'
import type { Matched } from './match-frames.js'
import type { Canvas } from './recipe.js'
import type { Spot } from './saturated-spots.js'
import type { StackingConfig } from './schema.js'
import { CELL, type Outlier } from './strong-outliers.js'

/** Of so many frames the wings in one are seen in the stack. Of more they are not worth another look at all of them. */
const FEW = 6
/** Wings of what stands out by so many sigmas are left out where they would have more than this, sigmas. */
const LEAST = 0.3
/** They fall off as those of a Moffat profile of exponent 3 along a trail; in FWHM, its width, and as far as they go at most. */
const EXPONENT = 2.5
const CORE = 0.98
const FURTHEST = 4
/** Frames of which this part of the cells stands out are unlike the others, not crossed by something. */
const TOO_MUCH = 0.05
/** A trail goes on so far beyond where it was seen, px. */
const BEYOND = 40
/** Width of stars where none tells, px. */
const USUAL = 4

/** Whether the clip grows about what stands out in single frames. */
export const growsIn = (frames: readonly Matched[], { combine }: StackingConfig): boolean =>
  combine.method === 'clip' && frames.length <= FEW

/**
 * The places at which frames are left out about what stands out in them: its wings, below the limit of the clip, and what
 * lies under a trail that goes over a star.
 */
export function grownSpots(outliers: readonly Outlier[], frames: readonly Matched[], { x0, y0 }: Canvas): Spot[] {
  return frames.flatMap(({ frame, stars }, place) => {
    const own = outliers.filter(([k]) => k === place)
    if (own.length > (TOO_MUCH * frame.width * frame.height) / CELL ** 2) return []
    const fwhm = stars.seeing > 0 ? stars.seeing : USUAL
    const middle = (cell: number) => CELL * cell + (CELL - 1) / 2
    const dots = own.map(([, column, row]) => ({ x: x0 + middle(column), y: y0 + middle(row) }))
    const radii = own.map(([, , , sigmas]) => CELL / 2 + reachOfWings(sigmas, fwhm))
    const spot = (x: number, y: number, radius: number): Spot => ({ x, y, radius, planes: [place] })
    const spots = dots.map(({ x, y }, k) => spot(x, y, radii[k]))
    for (const trail of findTrails(dots, CELL)) {
      const radius = medianOf(trail.dots.map((k) => radii[k]))
      const { line, length } = trail
      for (let t = -BEYOND; t <= length + BEYOND; t += CELL) {
        spots.push(spot(line.x + t * line.cos, line.y + t * line.sin, radius))
      }
    }
    return spots
  })
}

/** Where the wings of something so strong are no longer seen, px from its middle. */
function reachOfWings(sigmas: number, fwhm: number): number {
  const core = CORE * fwhm
  return Math.min(FURTHEST * fwhm, core * Math.sqrt(power(Math.max(1, sigmas / LEAST), 1 / EXPONENT) - 1))
}
