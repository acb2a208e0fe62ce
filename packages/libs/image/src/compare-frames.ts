import { MaskBit } from './frame.js'
import { type SkyMap, skyAt } from './sky-map.js'
import type { Shift } from './star-shift.js'

interface ComparedFrame {
  pixels: Float32Array
  mask: Int16Array
  width: number
  height: number
}

export interface CompareOptions {
  /** What a pixel must exceed beyond all that other frames explain, in sigma, and its neighbours. */
  clip: number
  neighbours: number
  /** By what fraction a star may be brighter in a pixel than in the other frames: their seeing differs. */
  tolerance: number
  /** FWHM of the stars, px: something of that shape is left alone, for it may be a star that is new. */
  fwhm: number
}

/** Pixels of a frame that stand above its sky, and what the other frames lead to expect of each. */
export interface Comparison {
  frame: ComparedFrame & { error: Float32Array }
  sky: SkyMap
  positions: number[]
  /** Height above the sky. */
  excess: Float32Array
  /** The highest that any other frame explains; negative where none tells. */
  explained: Float32Array
  /** The highest that any has right there, stars beside it not counted. */
  there: Float32Array
}

/** Collects the pixels of a frame that are over `neighbours` sigma of the sky. */
export function beginComparison(
  frame: ComparedFrame & { error: Float32Array },
  sky: SkyMap,
  { neighbours }: CompareOptions,
): Comparison {
  const { pixels, error, mask, width } = frame
  const positions: number[] = []
  const heights: number[] = []
  const unfit = MaskBit.bad | MaskBit.saturated | MaskBit.noData
  const floor = Math.min(...sky.level) + neighbours * Math.min(...sky.sigma)
  for (let p = 0; p < pixels.length; p++) {
    if (!(pixels[p] > floor) || (mask[p] & unfit) !== 0) continue
    const x = p % width
    const above = pixels[p] - skyAt(sky, sky.level, x, (p - x) / width)
    if (!(above > neighbours * error[p])) continue
    positions.push(p)
    heights.push(above)
  }
  const explained = new Float32Array(positions.length).fill(-1)
  const there = new Float32Array(positions.length)
  return { frame, sky, positions, excess: Float32Array.from(heights), explained, there }
}

/** Side of the blocks whose highest pixels tell how bright the stars about a pixel are. */
const BLOCK = 8
/** Nearer than a block to two blocks of a star a pixel must exceed this fraction of the star's peak. */
const NEAR_STAR = 0.5

/**
 * Takes another frame of the field into account: at each of the pixels the highest of the 3 x 3 pixels that lie there in
 * the other frame says what may be expected, and half of the highest within a block or two of 8 x 8 pixels, since the
 * stars of one frame may be wider, or trailed. Masked pixels of the other frame tell nothing.
 */
export function explainBy(comparison: Comparison, other: ComparedFrame, sky: SkyMap, shift: Shift): void {
  const { frame, positions, explained, there } = comparison
  const unfit = MaskBit.bad | MaskBit.noData
  const blocks = highestOfBlocks(other, sky)
  const columns = Math.ceil(other.width / BLOCK)
  const rows = Math.ceil(other.height / BLOCK)
  // A frame whose peaks are lower may have wider stars, and no less light.
  const ratio = Math.max(1, shift.ratio)
  for (let k = 0; k < positions.length; k++) {
    const x = Math.round((positions[k] % frame.width) + shift.dx)
    const y = Math.round(Math.floor(positions[k] / frame.width) + shift.dy)
    if (x < 1 || y < 1 || x >= other.width - 1 || y >= other.height - 1) continue
    let highest = Number.NEGATIVE_INFINITY
    for (let v = -1; v <= 1; v++) {
      for (let u = -1; u <= 1; u++) {
        const q = (y + v) * other.width + x + u
        if ((other.mask[q] & unfit) === 0 && other.pixels[q] > highest) highest = other.pixels[q]
      }
    }
    if (highest === Number.NEGATIVE_INFINITY) continue
    // the highest of nine pixels of noise lies 1.5 sigma up
    const above = highest - skyAt(sky, sky.level, x, y) - 2 * skyAt(sky, sky.sigma, x, y)
    let star = 0
    const [i, j] = [Math.floor(x / BLOCK), Math.floor(y / BLOCK)]
    for (let v = Math.max(0, j - 1); v <= Math.min(rows - 1, j + 1); v++) {
      for (let u = Math.max(0, i - 1); u <= Math.min(columns - 1, i + 1); u++)
        star = Math.max(star, blocks[v * columns + u])
    }
    there[k] = Math.max(there[k], ratio * above)
    explained[k] = Math.max(explained[k], ratio * Math.max(0, above, NEAR_STAR * star))
  }
}

/** The highest pixel of each block above 4 sigma of the sky, as height above it; 0 where there is none. */
function highestOfBlocks({ pixels, mask, width, height }: ComparedFrame, sky: SkyMap): Float32Array {
  const columns = Math.ceil(width / BLOCK)
  const blocks = new Float32Array(columns * Math.ceil(height / BLOCK))
  const unfit = MaskBit.bad | MaskBit.noData
  const floor = Math.min(...sky.level) + 4 * Math.min(...sky.sigma)
  for (let p = 0; p < pixels.length; p++) {
    if (!(pixels[p] > floor) || (mask[p] & unfit) !== 0) continue
    const x = p % width
    const y = (p - x) / width
    const above = pixels[p] - skyAt(sky, sky.level, x, y)
    const block = Math.floor(y / BLOCK) * columns + Math.floor(x / BLOCK)
    if (above > blocks[block] && above > 4 * skyAt(sky, sky.sigma, x, y)) blocks[block] = above
  }
  return blocks
}

export interface OnlyHere {
  /** Pixels flagged that were not before. */
  pixels: number
  /** Length of the longest streak flagged, px: a satellite's is hundreds. */
  longest: number
}

/** Groups of fewer pixels have no shape. */
const SMALLEST = 5

/**
 * Flags as cosmic rays what is in this frame only: groups of pixels that touch, each over `neighbours` sigma of what the
 * other frames explain and one over `clip`, that are narrower than stars, or longer than any.
 */
export function flagOnlyHere(comparison: Comparison, options: CompareOptions): OnlyHere {
  const { frame, positions, excess, explained, there } = comparison
  const { clip, neighbours, tolerance } = options
  const beyond = new Map<number, number>()
  const lights = new Map<number, number>()
  for (let k = 0; k < positions.length; k++) {
    if (explained[k] < 0) continue
    const [p, factor] = [positions[k], 1 + tolerance]
    const sigma = (excess[k] - factor * explained[k]) / frame.error[p]
    if (sigma > neighbours) beyond.set(p, sigma)
    const light = excess[k] - factor * there[k]
    if (light > neighbours * frame.error[p]) lights.set(p, light)
  }
  const result = { pixels: 0, longest: 0 }
  const seen = new Set<number>()
  for (const start of positions) {
    if (!beyond.has(start) || seen.has(start)) continue
    const group = groupFrom([start], beyond, seen, frame.width, frame.height)
    if (group.length < SMALLEST || !group.some((p) => beyond.get(p)! > clip)) continue
    // beside a bright star only the top of it stands out
    const whole = group.length > LARGEST * options.fwhm ** 2 ? group : around(group, lights, options.fwhm, frame)
    const shape = shapeOf(whole, lights, frame.width)
    // a group may hold more pixels than a call takes arguments
    const peak = whole.reduce((most, p) => Math.max(most, lights.get(p)! / frame.error[p]), 0)
    if (!isForeign(shape, widthAbove(neighbours / peak, options.fwhm), options.fwhm)) continue
    for (const p of group) {
      if ((frame.mask[p] & MaskBit.cosmicRay) === 0) result.pixels++
      frame.mask[p] |= MaskBit.cosmicRay
    }
    result.longest = Math.max(result.longest, shape.length)
  }
  return result
}

/** Groups of more pixels than this, in squares of the FWHM of stars, are no tops of stars. */
const LARGEST = 1.5

/** The pixels of a group with those that touch it, no further from it than a star is wide. */
function around(
  group: readonly number[],
  lights: Map<number, number>,
  fwhm: number,
  { width, height }: { width: number; height: number },
): number[] {
  const middle = (of: (p: number) => number) => group.reduce((sum, p) => sum + of(p), 0) / group.length
  const [cx, cy] = [middle((p) => p % width), middle((p) => Math.floor(p / width))]
  const near = new Map<number, number>()
  for (let y = Math.ceil(cy - fwhm); y <= cy + fwhm; y++) {
    for (let x = Math.ceil(cx - fwhm); x <= cx + fwhm; x++) {
      const light = x >= 0 && y >= 0 && x < width && y < height ? lights.get(y * width + x) : undefined
      if (light !== undefined && Math.hypot(x - cx, y - cy) <= fwhm) near.set(y * width + x, light)
    }
  }
  return groupFrom([...group], near, new Set(group), width, height)
}

/** What touches, directly or by others; `group` is where it begins. */
function groupFrom(
  group: number[],
  members: Map<number, number>,
  seen: Set<number>,
  width: number,
  height: number,
): number[] {
  for (const p of group) seen.add(p)
  for (let k = 0; k < group.length; k++) {
    const x = group[k] % width
    const y = (group[k] - x) / width
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        const q = v * width + u
        if (!members.has(q) || seen.has(q)) continue
        seen.add(q)
        group.push(q)
      }
    }
  }
  return group
}

interface Shape {
  /** Standard deviations of the light along and across, px. */
  major: number
  minor: number
  length: number
}

function shapeOf(group: readonly number[], heights: Map<number, number>, width: number): Shape {
  let [total, sx, sy, xx, yy, xy] = [0, 0, 0, 0, 0, 0]
  for (const p of group) {
    const w = heights.get(p)!
    const x = p % width
    const y = (p - x) / width
    total += w
    sx += w * x
    sy += w * y
    xx += w * x * x
    yy += w * y * y
    xy += w * x * y
  }
  const [mx, my] = [sx / total, sy / total]
  const [vx, vy, c] = [xx / total - mx * mx, yy / total - my * my, xy / total - mx * my]
  const middle = (vx + vy) / 2
  const half = Math.hypot((vx - vy) / 2, c)
  const major = Math.sqrt(Math.max(0, middle + half))
  return { major, minor: Math.sqrt(Math.max(0, middle - half)), length: Math.sqrt(12) * major }
}

/** Stars are no narrower than this, in the width that they have, noise counted. */
const NARROW = 0.5
/** A streak is a satellite's when it is longer than this, in FWHM of the stars. */
const STREAK = 10

/**
 * Standard deviation, px, of the light of a star in its pixels above a part of its peak: of a Gaussian, and of a pixel. What
 * stands just above the threshold is its top, and half as wide as the star.
 */
function widthAbove(part: number, fwhm: number): number {
  const sigma = fwhm / 2.355
  const q = Math.min(0.95, part)
  return Math.sqrt(sigma * sigma * (1 + (q * Math.log(q)) / (1 - q)) + 1 / 12)
}

/**
 * Narrower than a star would be it is a cosmic ray, and a streak is a satellite. What is short and as wide as a star may be
 * one that is new, or an asteroid on its way.
 */
function isForeign({ minor, length }: Shape, width: number, fwhm: number): boolean {
  return minor < NARROW * width || length > STREAK * fwhm
}
