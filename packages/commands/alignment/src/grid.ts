import { type Affine, mapOf, type PixelMap, type StoredMap, transform } from '@nightpipe/registration'
import type { FrameInfo } from './frames.js'
import { wcsMap } from './wcs-map.js'

/** Pixels that are made: their number, and where the first of them is on the reference. */
export interface Grid {
  x0: number
  y0: number
  width: number
  height: number
}

/** The map that a table keeps, as resampling wants it: from a pixel of the reference to its place in the frame. */
export function storedMap(map: StoredMap | { wcs: true }, reference: string, frame: string): PixelMap {
  if ('wcs' in map) return wcsMap(reference, frame)
  return 'affine' in map ? (map.affine as Affine) : mapOf(map)
}

/** No grid is larger than this many times its frame: a map that goes wild at the edges would ask for it. */
const LARGEST = 4

/** The grid of the reference, or that part of it (continued on all sides) which the frame covers. */
export function gridFor(map: PixelMap, reference: FrameInfo, frame: FrameInfo, extent: string): Grid {
  const { width, height } = reference
  if (extent === 'reference') return { x0: 0, y0: 0, width, height }
  const at = typeof map === 'function' ? map : (x: number, y: number) => transform(map, x, y)
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const [u, v] of outline(frame)) {
    const [x, y] = back(at, u, v, width / 2, height / 2)
    if (!Number.isFinite(x + y)) continue
    ;[x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)]
  }
  const most = LARGEST * Math.max(frame.width, frame.height)
  const [left, low] = [Math.floor(x0), Math.floor(y0)]
  const wide = Math.min(most, Math.max(1, Math.ceil(x1) - left + 1))
  return { x0: left, y0: low, width: wide, height: Math.min(most, Math.max(1, Math.ceil(y1) - low + 1)) }
}

/** Places along the edge of a frame. */
function outline({ width, height }: FrameInfo): [number, number][] {
  const [right, top] = [width - 0.5, height - 0.5]
  return Array.from({ length: 17 }, (_, k) => k / 16).flatMap((t): [number, number][] => {
    const [x, y] = [-0.5 + t * width, -0.5 + t * height]
    return [
      [x, -0.5],
      [x, top],
      [-0.5, y],
      [right, y],
    ]
  })
}

/** The pixel that a map brings to (u, v): Newton's method from the middle. */
function back(
  at: (x: number, y: number) => readonly [number, number],
  u: number,
  v: number,
  startX: number,
  startY: number,
): [number, number] {
  let [x, y] = [startX, startY]
  for (let round = 0; round < 20; round++) {
    const [p, q] = at(x, y)
    const [[px, qx], [py, qy]] = [at(x + 1, y), at(x, y + 1)]
    const [a, b, d, e] = [px - p, py - p, qx - q, qy - q]
    const determinant = a * e - b * d
    const [moveX, moveY] = [(e * (u - p) - b * (v - q)) / determinant, (a * (v - q) - d * (u - p)) / determinant]
    x += moveX
    y += moveY
    if (!(Math.hypot(moveX, moveY) > 1e-4)) break
  }
  return [x, y]
}
