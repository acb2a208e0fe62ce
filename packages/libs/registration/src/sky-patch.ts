import { type PointGrid, pointGrid, pointsWithin } from './nearest.js'
import { pairFrame, placeInPair, setPair } from './quad-code.js'
import { findQuads, type QuadHash } from './quad-hash.js'
import { onPlane, tangentAxes, unitVectors } from './sky-vectors.js'

/** Stars of the sky in degrees, brightest first where the magnitude is known. */
export interface SkyPoints {
  ra: ArrayLike<number>
  dec: ArrayLike<number>
  magnitude: ArrayLike<number>
}

/** A piece of the sky in which quads are looked for: its stars, brightest first, and where they lie on one plane. */
export interface Patch {
  axes: Float64Array
  vectors: Float64Array
  grid: PointGrid
}

/**
 * The patch about a direction. Of the stars, brightest first, a cell of `cell` degrees keeps the first `perCell`, so that
 * a cluster or the Milky Way does not take all that the search can afford.
 */
export function skyPatch(ra: number, dec: number, stars: SkyPoints, cell: number, perCell: number): Patch {
  const axes = tangentAxes(ra, dec)
  const all = unitVectors(stars.ra, stars.dec)
  const places = onPlane(axes, all)
  const size = (cell * Math.PI) / 180
  const kept: number[] = []
  const filled = new Map<number, number>()
  for (let k = 0; k < stars.ra.length; k++) {
    if (Number.isNaN(places.x[k])) continue
    const key = Math.floor(places.x[k] / size) * 65536 + Math.floor(places.y[k] / size)
    const count = filled.get(key) ?? 0
    if (count >= perCell) continue
    filled.set(key, count + 1)
    kept.push(k)
  }
  const vectors = new Float64Array(3 * kept.length)
  for (const [at, k] of kept.entries()) vectors.set(all.subarray(3 * k, 3 * k + 3), 3 * at)
  const [x, y] = [Float64Array.from(kept, (k) => places.x[k]), Float64Array.from(kept, (k) => places.y[k])]
  return { axes, vectors, grid: pointGrid({ x, y }) }
}

export interface QuadSearch {
  hash: QuadHash
  /** Shortest and longest AB on the sky, radians. */
  lengths: readonly [number, number]
  inside: number
  hands: readonly (1 | -1)[]
}

/** A quad of the frame that has the shape of a quad of the sky: A and B of both, and how much larger the sky's is. */
export type Hit = (
  frame: readonly [number, number],
  sky: readonly [number, number],
  ratio: number,
  hand: 1 | -1,
) => boolean

const MOST_NEIGHBOURS = 4096

/** Offers every quad of the sky that looks like one of the frame to `hit`, bright stars first, until one is taken. */
export function searchPatch({ vectors, grid }: Patch, { hash, lengths, inside, hands }: QuadSearch, hit: Hit): boolean {
  const n = vectors.length / 3
  const frame = pairFrame()
  const near = new Int32Array(MOST_NEIGHBOURS)
  const members = new Int32Array(inside)
  const places = new Float64Array(2 * inside)
  const local = new Float64Array(2)
  const found = new Int32Array(256)
  for (let a = 1; a < n; a++) {
    // the plane of the patch shows lengths longer than they are near its rim, never shorter
    const [x, y] = [grid.points.x[a], grid.points.y[a]]
    const reach = lengths[1] * 1.05 * (1 + x * x + y * y)
    const count = pointsWithin(grid, x, y, reach, near)
    const neighbours = near.subarray(0, count).sort()
    for (const b of neighbours) {
      if (b >= a) break // every pair once, from its fainter star
      const length = setPair(frame, vectors, a, b)
      if (length < lengths[0] || length > lengths[1]) continue
      let m = 0
      for (let k = 0; k < count && m < inside; k++) {
        const c = neighbours[k]
        if (c === a || c === b) continue
        placeInPair(frame, vectors, c, local, 0)
        if ((local[0] - 0.5) ** 2 + local[1] ** 2 > 0.25) continue
        places[2 * m] = local[0]
        places[2 * m + 1] = local[1]
        members[m++] = c
      }
      for (let c = 1; c < m; c++) {
        for (let d = 0; d < c; d++) {
          if (lookUp(hash, places, c, d, hands, found, a, b, length, hit)) return true
        }
      }
    }
  }
  return false
}

function lookUp(
  hash: QuadHash,
  places: Float64Array,
  c: number,
  d: number,
  hands: readonly (1 | -1)[],
  found: Int32Array,
  a: number,
  b: number,
  length: number,
  hit: Hit,
): boolean {
  let [x1, y1, x2, y2] = [places[2 * c], places[2 * c + 1], places[2 * d], places[2 * d + 1]]
  const turned = x1 + x2 > 1
  if (turned) {
    x1 = 1 - x1
    y1 = -y1
    x2 = 1 - x2
    y2 = -y2
  }
  if (x1 > x2) [x1, y1, x2, y2] = [x2, y2, x1, y1]
  const [skyA, skyB] = turned ? [b, a] : [a, b]
  for (const hand of hands) {
    const count = findQuads(hash, x1, hand * y1, x2, hand * y2, found)
    for (let k = 0; k < count; k++) {
      const quad = found[k]
      const frame = [hash.stars[4 * quad], hash.stars[4 * quad + 1]] as const
      if (hit(frame, [skyA, skyB], length / hash.lengths[quad], hand)) return true
    }
  }
  return false
}
