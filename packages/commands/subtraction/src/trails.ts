import { findTrails, MaskBit, type Trail } from '@nightpipe/image'
import type { Candidate } from './candidates.js'
import type { Difference } from './difference.js'

/**
 * Cells of so many pixels on a side are bright when half of their pixels are above so many errors, were taken for hit, or
 * have as much in the score, which sees a trail that is faint in its pixels.
 */
const CELL = 4
const BRIGHT = 4
/** A difference of which this part of the cells is bright was crossed by nothing: all of it is wrong. */
const TOO_MUCH = 0.05
/** Nothing is believed so near to a trail, in FWHM, and so far beyond its ends, px. */
const WIDE = 2
const BEYOND = 40

/**
 * Whether a candidate lies on the straight trail of a satellite or an aeroplane, in the new frame or, of what has faded, in
 * the reference: what is left beside what was taken for cosmic rays there looks like a source.
 */
export function trailsOf(scene: { difference: Difference; mask: Int16Array }): (candidate: Candidate) => boolean {
  const { difference: d, mask } = scene
  const trails = { above: trailsIn(d, mask, 1), below: trailsIn(d, mask, -1) }
  return ({ x, y, flux }) => {
    const own = flux > 0 ? trails.above : trails.below
    return own.some((trail) => isOn(trail, x, y, WIDE * d.seeing.fresh))
  }
}

function trailsIn({ width, height, difference, error, score }: Difference, mask: Int16Array, sign: number): Trail[] {
  const dots: { x: number; y: number }[] = []
  for (let y = 0; y + CELL <= height; y += CELL) {
    for (let x = 0; x + CELL <= width; x += CELL) {
      let bright = 0
      for (let k = 0; k < CELL * CELL; k++) {
        const p = (y + Math.floor(k / CELL)) * width + x + (k % CELL)
        const isHit = (mask[p]! & MaskBit.cosmicRay) !== 0
        if (isHit || sign * difference[p]! > BRIGHT * error[p]! || sign * score[p]! > BRIGHT) bright++
      }
      if (2 * bright >= CELL * CELL) dots.push({ x: x + (CELL - 1) / 2, y: y + (CELL - 1) / 2 })
    }
  }
  return dots.length * CELL ** 2 > TOO_MUCH * width * height ? [] : findTrails(dots, CELL)
}

function isOn({ from, to }: Trail, x: number, y: number, reach: number): boolean {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  const [cos, sin] = [(to.x - from.x) / length, (to.y - from.y) / length]
  const along = (x - from.x) * cos + (y - from.y) * sin
  const across = (y - from.y) * cos - (x - from.x) * sin
  return Math.abs(across) <= reach && along > -BEYOND && along < length + BEYOND
}
