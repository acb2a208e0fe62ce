import { cardValue, type FitsFrame, readFrame } from '@nightpipe/fits'
import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'
import { readWcs, type Wcs } from '@nightpipe/sky'

export interface Plane {
  pixels: Float32Array
  width: number
  height: number
}

/** Two images of one field on the grid of the new one, each less its median. */
export interface OnOneGrid {
  old?: Plane
  new: Plane
  /** new minus old */
  difference?: Plane
  /** of the new image */
  wcs?: Wcs
  /** how they were brought together, for the caption */
  note: string
  figures: Figures
}

/** What the eye cannot measure. */
export interface Figures {
  old_median?: number
  new_median: number
  /** noise: scaled median of the differences between neighbours */
  old_noise?: number
  new_noise: number
  difference_noise?: number
}

const wcsOf = (frame: FitsFrame) => readWcs((keyword) => cardValue(frame.header, keyword))

/** Reads both; the old one is carried over to the grid of the new one where their plate solutions differ. */
export function onOneGrid(oldPath: string | undefined, newPath: string): OnOneGrid {
  const fresh = readFrame(newPath)
  const wcs = wcsOf(fresh)
  const [plane, newMedian] = levelled(fresh)
  const figures: Figures = { new_median: newMedian, new_noise: noiseOf(plane) }
  const alone = { new: plane, ...(wcs ? { wcs } : {}), figures }
  if (oldPath === undefined) return { ...alone, note: 'there is no earlier image' }
  const before = readFrame(oldPath)
  const [oldPlane, oldMedian] = levelled(before)
  const measured = { ...figures, old_median: oldMedian, old_noise: noiseOf(oldPlane) }
  const { plane: carried, note } = carryOver(oldPlane, wcsOf(before), plane, wcs)
  if (!carried) return { ...alone, old: oldPlane, note, figures: measured }
  const pixels = plane.pixels.map((value, k) => value - carried.pixels[k]!)
  const difference = { ...plane, pixels }
  const all = { ...measured, difference_noise: spread(pixels) }
  return { ...alone, old: carried, difference, note, figures: all }
}

function levelled({ pixels, width, height }: FitsFrame): [Plane, number] {
  const level = medianOf(pixels.filter(Number.isFinite))
  return [{ pixels: pixels.map((value) => value - level), width, height }, level]
}

const spread = (values: Float32Array): number => {
  const finite = values.filter(Number.isFinite)
  const centre = medianOf(finite)
  return MAD_TO_SIGMA * medianOf(finite.map((value) => Math.abs(value - centre)))
}

/** Of neighbours in a row, so that stars and gradients count for little. */
function noiseOf({ pixels, width }: Plane): number {
  const steps = new Float32Array(pixels.length)
  for (let k = 0; k < pixels.length; k++) steps[k] = (k + 1) % width === 0 ? Number.NaN : pixels[k + 1]! - pixels[k]!
  return spread(steps) / Math.SQRT2
}

/** Grids that differ by less than this, in pixels, are one. */
const SAME_GRID = 0.01

function carryOver(
  old: Plane,
  oldWcs: Wcs | undefined,
  fresh: Plane,
  wcs: Wcs | undefined,
): { plane?: Plane; note: string } {
  const sameSize = old.width === fresh.width && old.height === fresh.height
  if (!oldWcs || !wcs) {
    return sameSize
      ? { plane: old, note: 'without plate solutions, taken as they are' }
      : { note: 'without plate solutions and of different sizes: not comparable' }
  }
  const corners = [0, fresh.width - 1].flatMap((x) => [0, fresh.height - 1].map((y) => [x, y] as const))
  const shifts = corners.map(([x, y]) => {
    const at = oldWcs.toPixel(...wcs.toSky(x, y))
    return at ? Math.hypot(at[0] - x, at[1] - y) : Number.POSITIVE_INFINITY
  })
  if (sameSize && Math.max(...shifts) < SAME_GRID) return { plane: old, note: 'on the same grid' }
  return { plane: resampled(old, oldWcs, fresh, wcs), note: 'the old one is carried over to the grid of the new one' }
}

/**
 * For the eye: bilinear, so that the noise of the old image is smoothed. A larger pixel holds more light: what stands in one
 * is in proportion to its area.
 */
function resampled(old: Plane, oldWcs: Wcs, { width, height }: Plane, wcs: Wcs): Plane {
  const pixels = new Float32Array(width * height)
  const area = (wcs.scaleArcsec / oldWcs.scaleArcsec) ** 2
  const columns = Float64Array.from({ length: width }, (_, x) => x)
  for (let y = 0; y < height; y++) {
    const sky = wcs.toSkyMany(columns, new Float64Array(width).fill(y))
    const at = oldWcs.toPixelMany(sky.ra, sky.dec)
    for (let x = 0; x < width; x++) pixels[y * width + x] = area * bilinear(old, at.x[x]!, at.y[x]!)
  }
  return { pixels, width, height }
}

function bilinear({ pixels, width, height }: Plane, x: number, y: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)]
  if (!(x0 >= 0 && y0 >= 0 && x0 < width - 1 && y0 < height - 1)) return Number.NaN
  const [dx, dy, k] = [x - x0, y - y0, y0 * width + x0]
  const below = pixels[k]! * (1 - dx) + pixels[k + 1]! * dx
  const above = pixels[k + width]! * (1 - dx) + pixels[k + width + 1]! * dx
  return below * (1 - dy) + above * dy
}

/** A square of an image about a place. */
export function cutOut({ pixels, width, height }: Plane, x: number, y: number, half: number): Plane {
  const side = 2 * half + 1
  const out = new Float32Array(side * side).fill(Number.NaN)
  const [left, bottom] = [Math.round(x) - half, Math.round(y) - half]
  for (let j = Math.max(0, -bottom); j < side && bottom + j < height; j++) {
    for (let i = Math.max(0, -left); i < side && left + i < width; i++)
      out[j * side + i] = pixels[(bottom + j) * width + left + i]!
  }
  return { pixels: out, width: side, height: side }
}
