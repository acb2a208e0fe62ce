import { medianOf } from '@nightpipe/math'
import { type SkyMap, skyAt } from './sky-map.js'

/** A bright peak: where, and how high above the sky. */
export interface Peak {
  x: number
  y: number
  height: number
}

/** The shift from one frame to another: a star at (x, y) of the first is at (x + dx, y + dy) of the second. */
export interface Shift {
  dx: number
  dy: number
  /** Peaks that agree on it. */
  matches: number
  /** Median height of a peak in the first frame over that in the second. */
  ratio: number
}

/** Peaks must stand this far above the sky, in its sigma. */
const PEAK_SIGMA = 8

/** The highest peaks of a frame, at most `most`: local maxima of 5 x 5 pixels without a masked one, with centroids. */
export function starPeaks(
  frame: { pixels: Float32Array; mask: Int16Array; width: number; height: number },
  sky: SkyMap,
  most = 150,
): Peak[] {
  const { pixels, mask, width, height } = frame
  const peaks: Peak[] = []
  const floor = Math.min(...sky.level) + PEAK_SIGMA * Math.min(...sky.sigma)
  for (let y = 2; y < height - 2; y++) {
    for (let x = 2; x < width - 2; x++) {
      const p = y * width + x
      const value = pixels[p]
      if (!(value > floor && value > pixels[p - 1] && value > pixels[p - width])) continue
      if (!isCleanPeak(pixels, mask, width, p)) continue
      const level = skyAt(sky, sky.level, x, y)
      const above = value - level
      if (!(above > PEAK_SIGMA * skyAt(sky, sky.sigma, x, y))) continue
      const [right, left, up, down] = [pixels[p + 1], pixels[p - 1], pixels[p + width], pixels[p - width]]
      // a peak of one pixel is no star
      if (Math.max(right, left) - level < 0.1 * above || Math.max(up, down) - level < 0.1 * above) continue
      peaks.push({ x: x + parabola(left, value, right), y: y + parabola(down, value, up), height: above })
    }
  }
  return peaks.sort((a, b) => b.height - a.height || a.y - b.y || a.x - b.x).slice(0, most)
}

/** Where a parabola through three values is highest, from the middle one. */
function parabola(before: number, middle: number, after: number): number {
  const curve = 2 * middle - before - after
  return curve > 0 ? Math.max(-0.5, Math.min(0.5, (after - before) / (2 * curve))) : 0
}

function isCleanPeak(pixels: Float32Array, mask: Int16Array, width: number, p: number): boolean {
  for (let v = -2; v <= 2; v++) {
    for (let u = -2; u <= 2; u++) {
      const q = p + v * width + u
      if (mask[q] !== 0 || pixels[q] > pixels[p]) return false
    }
  }
  return true
}

/** Pairs of peaks vote for shifts in bins of this many pixels. */
const BIN = 2
/** The shift lies in the best bin or a neighbour: at most one and a half bins off its middle along both axes. */
const REACH = 1.5 * BIN * Math.SQRT2
/** Votes that a shift needs, and the fraction of the peaks of the poorer list. */
const FEWEST = 4
const FRACTION = 0.15

/**
 * The shift between two lists of peaks, found by the vote of all pairs: it needs no header, and any overlap will do.
 * Undefined when too few pairs agree. Frames that are turned against each other have none.
 */
export function measureShift(first: readonly Peak[], second: readonly Peak[]): Shift | undefined {
  const votes = new Map<number, number>()
  const bin = (value: number) => Math.round(value / BIN)
  for (const a of first) {
    for (const b of second) {
      const key = keyOf(bin(b.x - a.x), bin(b.y - a.y))
      votes.set(key, (votes.get(key) ?? 0) + 1)
    }
  }
  let best = { dx: 0, dy: 0, count: 0 }
  for (const key of votes.keys()) {
    const i = Math.floor(key / ROW)
    const j = key - i * ROW - ROW / 2
    let count = 0
    for (let v = -1; v <= 1; v++) for (let u = -1; u <= 1; u++) count += votes.get(keyOf(i + u, j + v)) ?? 0
    // of equal ones the smallest shift, so that the order of the peaks does not matter
    const nearer = Math.hypot(i * BIN, j * BIN) < Math.hypot(best.dx, best.dy)
    if (count > best.count || (count === best.count && nearer)) best = { dx: i * BIN, dy: j * BIN, count }
  }
  const close = pairsNear(first, second, best.dx, best.dy, REACH)
  if (close.length === 0) return undefined
  const rough = { dx: medianOf(close.map((c) => c.dx)), dy: medianOf(close.map((c) => c.dy)) }
  const fine = pairsNear(first, second, rough.dx, rough.dy, 1)
  if (fine.length < Math.max(FEWEST, FRACTION * Math.min(first.length, second.length))) return undefined
  const of = (f: (pair: Pair) => number) => medianOf(fine.map(f))
  return { dx: of((c) => c.dx), dy: of((c) => c.dy), matches: fine.length, ratio: of((c) => c.ratio) }
}

/** Bins in a row of them, more than any frame has on both sides of no shift; a bin as one number. */
const ROW = 2 ** 22
const keyOf = (i: number, j: number) => i * ROW + j + ROW / 2

interface Pair {
  dx: number
  dy: number
  ratio: number
}

function pairsNear(first: readonly Peak[], second: readonly Peak[], dx: number, dy: number, radius: number): Pair[] {
  const pairs: Pair[] = []
  for (const a of first) {
    for (const b of second) {
      if (Math.hypot(b.x - a.x - dx, b.y - a.y - dy) > radius) continue
      pairs.push({ dx: b.x - a.x, dy: b.y - a.y, ratio: a.height / b.height })
    }
  }
  return pairs
}
