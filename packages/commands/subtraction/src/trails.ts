import { across, along, findTrails, MaskBit, type Trail } from '@nightpipe/image'
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

/** Straight trails of satellites and aeroplanes: bright ones in the new frame, and dark ones, which the reference had. */
export interface Trails {
  above: Trail[]
  below: Trail[]
}

export function brightTrails({ difference, mask }: { difference: Difference; mask: Int16Array }): Trails {
  const [above, below] = brightCells(difference, mask).map((cells) => trailsIn(cells, difference))
  return { above: above!, below: below! }
}

/**
 * Whether a candidate lies on a trail, in the new frame or, of what has faded, in the reference: what is left beside what was
 * taken for cosmic rays there looks like a source.
 */
export function isOnTrail({ above, below }: Trails, { seeing }: Difference): (candidate: Candidate) => boolean {
  return (candidate) =>
    (candidate.flux > 0 ? above : below).some((trail) => isOn(trail, candidate, WIDE * seeing.fresh))
}

interface Place {
  x: number
  y: number
}

/** The middles of cells that are bright, and of those that are as dark. */
function brightCells({ width, height, difference, error, score }: Difference, mask: Int16Array): [Place[], Place[]] {
  const cells: [Place[], Place[]] = [[], []]
  for (let y = 0; y + CELL <= height; y += CELL) {
    for (let x = 0; x + CELL <= width; x += CELL) {
      let [above, below] = [0, 0]
      for (let v = y; v < y + CELL; v++) {
        for (let p = v * width + x; p < v * width + x + CELL; p++) {
          const far = BRIGHT * error[p]!
          const isHit = (mask[p]! & MaskBit.cosmicRay) !== 0
          if (!isHit && Math.abs(difference[p]!) <= far && Math.abs(score[p]!) <= BRIGHT) continue
          if (isHit || difference[p]! > far || score[p]! > BRIGHT) above++
          if (isHit || -difference[p]! > far || -score[p]! > BRIGHT) below++
        }
      }
      const middle = { x: x + (CELL - 1) / 2, y: y + (CELL - 1) / 2 }
      if (2 * above >= CELL * CELL) cells[0].push(middle)
      if (2 * below >= CELL * CELL) cells[1].push(middle)
    }
  }
  return cells
}

const trailsIn = (cells: readonly Place[], { width, height }: Difference): Trail[] =>
  cells.length * CELL ** 2 > TOO_MUCH * width * height ? [] : findTrails(cells, CELL)

function isOn({ line, length }: Trail, place: Place, reach: number): boolean {
  const far = along(line, place)
  return Math.abs(across(line, place)) <= reach && far > -BEYOND && far < length + BEYOND
}
