import { MaskBit } from './frame.js'
import { maskPositions } from './mask.js'

/** The top counts of converters of 12 to 16 bits, signed and not. */
const RAILS = [4095, 8191, 16383, 32767, 65535]

/**
 * The level at which a frame saturates when nobody says: the top count of a converter, where at least three pixels stand
 * at it and none above. Undefined when the frame does not tell.
 */
export function railOf(raw: Float32Array): number | undefined {
  let top = Number.NEGATIVE_INFINITY
  for (let p = 0; p < raw.length; p++) if (raw[p] > top) top = raw[p]
  if (!RAILS.includes(top)) return undefined
  let count = 0
  for (let p = 0; p < raw.length && count < 3; p++) if (raw[p] === top) count++
  return count >= 3 ? top : undefined
}

export interface BleedOptions {
  /** Along which axis charge spills over: the direction of the parallel transfer. */
  along: 'columns' | 'rows' | 'none'
  /** A pixel is normal again when it is within this many sigma of what the star shows at that distance across. */
  clip: number
}

interface Blob {
  pixels: number[]
  x: number
  y: number
}

/** Runs of saturation are followed no further than this beyond the last pixel that is not normal. */
const PATIENCE = 2

/**
 * Marks as saturated what charge has spilled over from saturated pixels: from each group of them, along the columns (or
 * rows), the next pixel, and more for as long as they are brighter than the star is at the same distance across the trail.
 * `level` is the sky, `noise` the one-sigma noise of a pixel. Returns the number of pixels that were added.
 */
export function growBleeding(
  pixels: Float32Array,
  mask: Int16Array,
  width: number,
  height: number,
  sky: { level: number; noise: (p: number) => number },
  { along, clip }: BleedOptions,
): number {
  if (along === 'none') return 0
  // Rows are columns of the transposed frame: `step` goes along the trail, `across` beside it.
  const frame: Trail =
    along === 'columns'
      ? { pixels, mask, step: width, across: 1, length: height, breadth: width, ...sky, clip }
      : { pixels, mask, step: 1, across: width, length: width, breadth: height, ...sky, clip }
  let added = 0
  for (const blob of saturatedBlobs(mask, width, height)) added += followBlob(blob, frame, width)
  return added
}

interface Trail {
  pixels: Float32Array
  mask: Int16Array
  step: number
  across: number
  length: number
  breadth: number
  level: number
  noise: (p: number) => number
  clip: number
}

/** Groups of saturated pixels that touch, corners included. */
function saturatedBlobs(mask: Int16Array, width: number, height: number): Blob[] {
  const seen = new Set<number>()
  const blobs: Blob[] = []
  for (const start of maskPositions(mask, MaskBit.saturated)) {
    if (seen.has(start)) continue
    const pixels = [start]
    seen.add(start)
    for (let k = 0; k < pixels.length; k++) {
      const x = pixels[k] % width
      const y = (pixels[k] - x) / width
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const q = v * width + u
          if ((mask[q] & MaskBit.saturated) === 0 || seen.has(q)) continue
          seen.add(q)
          pixels.push(q)
        }
      }
    }
    blobs.push({ pixels, ...centreOf(pixels, width) })
  }
  return blobs
}

/** The middle of the widest row: a trail is narrow, the star it comes from is not. */
function centreOf(pixels: readonly number[], width: number): { x: number; y: number } {
  const rows = new Map<number, { n: number; sum: number }>()
  for (const p of pixels) {
    const y = Math.floor(p / width)
    const row = rows.get(y) ?? { n: 0, sum: 0 }
    rows.set(y, { n: row.n + 1, sum: row.sum + (p % width) })
  }
  const most = Math.max(...[...rows.values()].map((row) => row.n))
  const widest = [...rows].filter(([, row]) => row.n === most).sort(([a], [b]) => a - b)
  const [y, { n, sum }] = widest[widest.length >> 1]
  return { x: Math.round(sum / n), y }
}

function followBlob(blob: Blob, frame: Trail, width: number): number {
  const { step, across, mask } = frame
  const along = (p: number) => (across === 1 ? Math.floor(p / width) : p % width)
  const beside = (p: number) => (across === 1 ? p % width : Math.floor(p / width))
  const centre = blob.y * width + blob.x
  // each line of the trail from its two ends
  const ends = new Map<number, { low: number; high: number }>()
  for (const p of blob.pixels) {
    const line = beside(p)
    const end = ends.get(line) ?? { low: p, high: p }
    ends.set(line, { low: Math.min(end.low, p), high: Math.max(end.high, p) })
  }
  let added = 0
  for (const { low, high } of ends.values()) {
    for (const [end, way] of [
      [low, -step],
      [high, step],
    ]) {
      let normal = 0
      let pending: number[] = []
      const room = way > 0 ? frame.length - 1 - along(end) : along(end)
      for (let k = 1, p = end + way; k <= room && normal < PATIENCE; k++, p += way) {
        if ((mask[p] & MaskBit.saturated) !== 0) continue
        pending.push(p)
        // the pixel in which the charge came to an end is filled in part, and may be as bright as the flank of the star
        if (k > 1 && isNormal(p, centre, frame, along, beside)) {
          normal++
          continue
        }
        normal = 0
        for (const q of pending) mask[q] |= MaskBit.saturated
        added += pending.length
        pending = []
      }
    }
  }
  return added
}

/** True when a pixel is no brighter than the star is as far from its centre, across the trail. */
function isNormal(
  p: number,
  centre: number,
  frame: Trail,
  along: (p: number) => number,
  beside: (p: number) => number,
): boolean {
  const { pixels, across, breadth, level, noise, clip } = frame
  // rounded inwards, where the star is brighter
  const distance = Math.floor(Math.hypot(along(p) - along(centre), beside(p) - beside(centre)))
  const line = beside(centre)
  const mirrored: number[] = []
  for (const side of [-distance, distance]) {
    if (line + side < 0 || line + side >= breadth) continue
    mirrored.push(pixels[centre + side * across])
  }
  const expected = mirrored.length > 0 ? Math.max(level, ...mirrored) : level
  // a star is not round to better than a third
  return !(pixels[p] - level > 1.3 * (expected - level) + clip * noise(p))
}
