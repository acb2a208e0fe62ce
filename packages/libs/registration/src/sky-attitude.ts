import type { TanSolution } from '@nightpipe/sky'
import { pairFrame, setPair } from './quad-code.js'
import { cameraVectors, directionOf, tangentAxes } from './sky-vectors.js'

/** How a camera stands under the sky. */
export interface Attitude {
  /** Camera axes to the sky, nine numbers row by row. */
  turn: Float64Array
  /** Radians for a pixel in the middle of the frame. */
  scale: number
  /** -1 for what is usual (east on the left where north is up), 1 for a mirrored frame. */
  hand: 1 | -1
}

const [seen, known] = [pairFrame(), pairFrame()]

/** The attitude in which two stars of the frame lie on two stars of the sky; `scale` makes their distances equal. */
export function attitudeOfPair(
  stars: { x: ArrayLike<number>; y: ArrayLike<number> },
  centre: readonly [number, number],
  [a, b]: readonly [number, number],
  sky: Float64Array,
  [skyA, skyB]: readonly [number, number],
  scale: number,
  hand: 1 | -1,
): Attitude {
  const camera = cameraVectors([stars.x[a], stars.x[b]], [stars.y[a], stars.y[b]], centre, scale, hand)
  const l = setPair(seen, camera, 0, 1)
  const m = setPair(known, sky, skyA, skyB)
  const turn = new Float64Array(9)
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      // the two axes of a pair frame are vectors over the square of a length: times that length, they are unit vectors
      const along = known[6 + i] * m * (seen[6 + j] * l)
      const across = known[9 + i] * m * (seen[9 + j] * l)
      turn[3 * i + j] = known[i] * seen[j] + along + across
    }
  }
  return { turn, scale, hand }
}

/** The TAN solution of an attitude, with its reference in the middle of the frame. */
export function tanOf({ turn, scale, hand }: Attitude, centre: readonly [number, number]): TanSolution {
  const sky = directionOf(turn[2], turn[5], turn[8])
  const axes = tangentAxes(...sky)
  const degrees = (scale * 180) / Math.PI
  // how far east (north) one goes along the camera's x (y)
  const along = (axis: number, column: number) =>
    axes[3 * axis] * turn[column] + axes[3 * axis + 1] * turn[3 + column] + axes[3 * axis + 2] * turn[6 + column]
  const matrix = [hand * along(0, 0), along(0, 1), hand * along(1, 0), along(1, 1)].map((value) => value * degrees)
  return { pixel: [centre[0], centre[1]], sky, matrix: matrix as TanSolution['matrix'], radesys: 'ICRS' }
}
