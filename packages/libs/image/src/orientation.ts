import type { Frame } from './frame.js'
import type { Pixels } from './section.js'

/**
 * The eight ways to lay an image down. Rotations are counter-clockwise as seen with y upwards (DS9's view); flipX
 * mirrors left and right, flipY top and bottom; transpose swaps x and y, antitranspose does so about the other diagonal.
 */
export const ORIENTATIONS = [
  'none',
  'flipX',
  'flipY',
  'rotate90',
  'rotate180',
  'rotate270',
  'transpose',
  'antitranspose',
] as const
export type Orientation = (typeof ORIENTATIONS)[number]

/** Where source pixel (x, y) goes: (x0 + xx x + xy y, y0 + yx x + yy y), for an image of this size. */
function steps(orientation: Orientation, width: number, height: number) {
  const w = width - 1
  const h = height - 1
  switch (orientation) {
    case 'none':
      return { x0: 0, xx: 1, xy: 0, y0: 0, yx: 0, yy: 1 }
    case 'flipX':
      return { x0: w, xx: -1, xy: 0, y0: 0, yx: 0, yy: 1 }
    case 'flipY':
      return { x0: 0, xx: 1, xy: 0, y0: h, yx: 0, yy: -1 }
    case 'rotate180':
      return { x0: w, xx: -1, xy: 0, y0: h, yx: 0, yy: -1 }
    case 'rotate90':
      return { x0: h, xx: 0, xy: -1, y0: 0, yx: 1, yy: 0 }
    case 'rotate270':
      return { x0: 0, xx: 0, xy: 1, y0: w, yx: -1, yy: 0 }
    case 'transpose':
      return { x0: 0, xx: 0, xy: 1, y0: 0, yx: 1, yy: 0 }
    case 'antitranspose':
      return { x0: h, xx: 0, xy: -1, y0: w, yx: -1, yy: 0 }
  }
}

/** True when width and height change places. */
export function turnsAxes(orientation: Orientation): boolean {
  return ['rotate90', 'rotate270', 'transpose', 'antitranspose'].includes(orientation)
}

/** The pixel of the turned image that pixel (x, y) of an image of this size becomes. */
export function orientPoint(orientation: Orientation, width: number, height: number, x: number, y: number) {
  const { x0, xx, xy, y0, yx, yy } = steps(orientation, width, height)
  return { x: x0 + xx * x + xy * y, y: y0 + yx * x + yy * y }
}

/** The pixels laid down another way, into `out` (not the same array). */
export function orientPixels<T extends Pixels>(
  pixels: T,
  width: number,
  height: number,
  orientation: Orientation,
  out: T = new (pixels.constructor as new (n: number) => T)(pixels.length),
): T {
  const { x0, xx, xy, y0, yx, yy } = steps(orientation, width, height)
  const columns = turnsAxes(orientation) ? height : width
  const step = xx + yx * columns
  // in square tiles: a rotation would otherwise touch a new cache line for every pixel
  const tile = 32
  for (let top = 0; top < height; top += tile) {
    const bottom = Math.min(height, top + tile)
    for (let left = 0; left < width; left += tile) {
      const right = Math.min(width, left + tile)
      for (let y = top; y < bottom; y++) {
        let target = x0 + xx * left + xy * y + (y0 + yx * left + yy * y) * columns
        for (let x = left; x < right; x++, target += step) out[target] = pixels[y * width + x]
      }
    }
  }
  return out
}

/** A frame laid down another way: pixels, error and mask together. */
export function orient<F extends Frame>(frame: F, orientation: Orientation): F {
  const { width, height, pixels, error, mask } = frame
  const turned = turnsAxes(orientation)
  const result: F = {
    ...frame,
    width: turned ? height : width,
    height: turned ? width : height,
    pixels: orientPixels(pixels, width, height, orientation),
  }
  if (error) result.error = orientPixels(error, width, height, orientation)
  if (mask) result.mask = orientPixels(mask, width, height, orientation)
  return result
}
