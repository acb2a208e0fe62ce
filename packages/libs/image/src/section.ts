import type { Frame } from './frame.js'

/** A rectangle of pixels, counted from 0; x1 and y1 are the first column and row outside. */
export interface Section {
  x0: number
  y0: number
  x1: number
  y1: number
}

export type Pixels = Float32Array | Float64Array | Int32Array | Int16Array | Uint16Array | Uint8Array

/** The whole of an image. */
export function wholeSection(width: number, height: number): Section {
  return { x0: 0, y0: 0, x1: width, y1: height }
}

/** The part that two sections share; empty (x1 <= x0 or y1 <= y0) when they do not touch. */
export function intersect(a: Section, b: Section): Section {
  const x0 = Math.max(a.x0, b.x0)
  const y0 = Math.max(a.y0, b.y0)
  return { x0, y0, x1: Math.max(x0, Math.min(a.x1, b.x1)), y1: Math.max(y0, Math.min(a.y1, b.y1)) }
}

/** True when the section has pixels and they all lie in an image of this size. */
export function fits(section: Section, width: number, height: number): boolean {
  const { x0, y0, x1, y1 } = section
  return (
    [x0, y0, x1, y1].every(Number.isInteger) && x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= width && y1 <= height
  )
}

/** The pixels of a section of an image `width` wide, row by row, into `out` when given. */
export function cropPixels<T extends Pixels>(pixels: T, width: number, section: Section, out?: T): T {
  if (!fits(section, width, pixels.length / width)) {
    const { x0, y0, x1, y1 } = section
    throw new RangeError(`section [${x0}, ${x1}) x [${y0}, ${y1}) is outside ${width} x ${pixels.length / width}`)
  }
  const columns = section.x1 - section.x0
  const rows = section.y1 - section.y0
  const cropped = out ?? (new (pixels.constructor as new (n: number) => T)(columns * rows) as T)
  for (let y = 0; y < rows; y++) {
    const start = (section.y0 + y) * width + section.x0
    cropped.set(pixels.subarray(start, start + columns), y * columns)
  }
  return cropped
}

/** A frame cut to a section: pixels, error and mask together. */
export function trim<F extends Frame>(frame: F, section: Section): F {
  const { width, pixels, error, mask } = frame
  const trimmed: F = {
    ...frame,
    width: section.x1 - section.x0,
    height: section.y1 - section.y0,
    pixels: cropPixels(pixels, width, section),
  }
  if (error) trimmed.error = cropPixels(error, width, section)
  if (mask) trimmed.mask = cropPixels(mask, width, section)
  return trimmed
}
