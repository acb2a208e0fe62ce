import { MaskBit, maskPositions, positionsFrom } from '@nightpipe/image'
import type { BrightImage } from '@nightpipe/registration'
import type { Matched } from './match-frames.js'

/** About a star that is saturated in some frames these are left out, so that its light is that of whole images of it. */
export interface Spot {
  /** On the common grid. */
  x: number
  y: number
  radius: number
  /** Frames that are left out there, as long as others have something. */
  planes: number[]
}

/** Saturated pixels are told by squares of so many px, by the extent of those in each: x0, y0, x1, y1. */
const SQUARE = 8
const NUMBERS = 4
/** A frame of which more is saturated has no stars to spare. */
const TOO_MUCH = 0.01
/** Pixels that are bad or hit were saturated by no star. */
const NO_STAR = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData

/** Where a frame is saturated: by its mask, else from `ceiling` on. (`x0`, `y0`) is its first pixel on the common grid. */
export function saturatedSquares(
  { pixels, width, height, mask }: BrightImage,
  { x0, y0, ceiling }: { x0: number; y0: number; ceiling: number },
): Int32Array {
  if (!mask && ceiling === Number.POSITIVE_INFINITY) return new Int32Array(0)
  const full = mask
    ? maskPositions(mask, MaskBit.saturated).filter((p) => (mask[p] & NO_STAR) === 0)
    : positionsFrom(pixels, ceiling)
  if (full.length > TOO_MUCH * width * height) return new Int32Array(0)
  const squares = new Map<string, number[]>()
  for (const p of full) {
    const [x, y] = [(p % width) + x0, Math.floor(p / width) + y0]
    const key = keyOf(Math.floor(x / SQUARE), Math.floor(y / SQUARE))
    const extent = squares.get(key)
    if (extent) widen(extent, [x, y, x, y])
    else squares.set(key, [x, y, x, y])
  }
  return Int32Array.from([...squares.values()].flat())
}

const keyOf = (i: number, j: number) => `${i},${j}`

function widen(extent: number[], [x0, y0, x1, y1]: readonly number[]): void {
  extent[0] = Math.min(extent[0], x0)
  extent[1] = Math.min(extent[1], y0)
  extent[2] = Math.max(extent[2], x1)
  extent[3] = Math.max(extent[3], y1)
}

interface Square {
  extent: number[]
  planes: Set<number>
}

/** Of all light that a star would have, so much must be in frames that are not saturated. */
const SHARE = 0.2
/** A frame alone has no others that tell its outliers, and its own point spread: of so many frames two must be left. */
const MANY = 4
/** About saturated pixels, in seeing discs: beyond that the images of unlike seeing are alike in sum. */
const REACH = 3
const LARGEST = 25

/**
 * The spots of a stack. The frames in which a star is not saturated are not those of mean seeing: where the others are missing
 * in its core but not in its wings, its light is neither that of these nor that of those, and is wrong by per cents.
 */
export function spotsOf(frames: readonly Matched[]): Spot[] {
  const squares = collect(frames)
  const reach = Math.min(LARGEST, REACH * Math.max(...frames.map(({ stars }) => stars.seeing || 0)))
  const spots: Spot[] = []
  for (const star of connected(squares)) {
    const planes = new Set(star.flatMap((square) => [...square.planes]))
    const [{ extent }] = star
    const there = frames.map(({ frame }) => {
      const [x, y] = [extent[0] - frame.x0, extent[1] - frame.y0]
      return x >= 0 && y >= 0 && x < frame.width && y < frame.height
    })
    const weightOf = (counts: (k: number) => boolean) =>
      frames.reduce((sum, { weight }, k) => sum + (there[k] && counts(k) ? weight : 0), 0)
    const left = there.filter((is, k) => is && !planes.has(k)).length
    if (left === 1 && there.filter(Boolean).length >= MANY) continue
    if (weightOf((k) => !planes.has(k)) < SHARE * weightOf(() => true)) continue
    for (const {
      extent: [x0, y0, x1, y1],
    } of star) {
      const radius = Math.hypot(x1 - x0, y1 - y0) / 2 + reach
      spots.push({ x: (x0 + x1) / 2, y: (y0 + y1) / 2, radius, planes: [...planes].sort((i, j) => i - j) })
    }
  }
  return spots
}

function collect(frames: readonly Matched[]): Map<string, Square> {
  const squares = new Map<string, Square>()
  for (const [plane, { saturated }] of frames.entries()) {
    for (let n = 0; n < saturated.length; n += NUMBERS) {
      const extent = Array.from(saturated.subarray(n, n + NUMBERS))
      const key = keyOf(Math.floor(extent[0] / SQUARE), Math.floor(extent[1] / SQUARE))
      const known = squares.get(key)
      if (known) {
        widen(known.extent, extent)
        known.planes.add(plane)
      } else squares.set(key, { extent, planes: new Set([plane]) })
    }
  }
  return squares
}

/** Squares that touch belong to one star. */
function connected(squares: ReadonlyMap<string, Square>): Square[][] {
  const left = new Map(squares)
  const stars: Square[][] = []
  for (const [first, square] of squares) {
    if (!left.delete(first)) continue
    const star = [square]
    for (const { extent } of star) {
      const [i, j] = [Math.floor(extent[0] / SQUARE), Math.floor(extent[1] / SQUARE)]
      for (let n = 0; n < 9; n++) {
        const key = keyOf(i + (n % 3) - 1, j + Math.floor(n / 3) - 1)
        const next = left.get(key)
        if (!next) continue
        left.delete(key)
        star.push(next)
      }
    }
    stars.push(star)
  }
  return stars
}
