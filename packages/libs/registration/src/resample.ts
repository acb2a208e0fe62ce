import type { Frame } from '@nightpipe/image'
import { allocate, scoped } from '@nightpipe/kernels'
import { medianOf } from '@nightpipe/math'
import type { Interpolation } from './interpolant.js'
import { noiseFactor } from './noise-factor.js'
import { type PixelMap, runMap } from './pixel-map.js'
import { resampleRows } from './resample-rows.js'
import { sourceRows } from './source-rows.js'

export interface ResampleOptions {
  /** Size of the new grid. */
  width: number
  height: number
  method: Interpolation
  /** Stars keep their flux (default); no: surfaces keep their brightness. */
  conserve?: boolean
  /** No new pixel is further below the lowest of the four about its place than this (any may be). */
  margin?: number
}

/** A frame on another grid. */
export interface Resampled extends Frame {
  mask: Int16Array
  /**
   * Neighbouring pixels now share noise. The noise of a sum over many pixels is this factor times what the errors of
   * the single pixels give.
   */
  noiseFactor: number
}

/**
 * A frame on another grid: each new pixel is interpolated at the place that `map` gives for its centre. Places up to half
 * a pixel beyond the outermost centres belong to the frame; further out there is no data (NaN, `noData`). Pixels that
 * are bad, of a cosmic ray, or not a number are first filled in from their neighbours; a new pixel has the bits of all
 * those that have a tenth or more of its weight. The frame is not changed.
 */
export function resample(frame: Frame, map: PixelMap, options: ResampleOptions): Resampled {
  const { width, height, method, conserve = true, margin } = options
  const runs = runMap(map, width, height)
  return scoped(() => {
    const n = width * height
    const { pixels, error, mask } = copied(frame)
    const rows = { width: frame.width, height: frame.height, first: 0, rows: frame.height, pixels, error, mask }
    const source = sourceRows(rows, method, medianLevel(frame.pixels), margin)
    const out = {
      ...{ width, first: 0, rows: height, pixels: allocate(Float32Array, n) },
      ...{ error: frame.error && allocate(Float32Array, n), mask: allocate(Int16Array, n) },
    }
    resampleRows(source, runs, out, { method, conserve })
    return {
      ...{ name: frame.name, width, height, pixels: Float32Array.from(out.pixels), mask: Int16Array.from(out.mask) },
      ...(out.error ? { error: Float32Array.from(out.error) } : {}),
      noiseFactor: noiseFactor(runs, { width, height }, frame, method),
    }
  })
}

/** Copies in kernel memory: what lies there already would be used up. */
function copied({ pixels, error, mask }: Frame) {
  const floats = (from: Float32Array) => {
    const to = allocate(Float32Array, from.length)
    to.set(from)
    return to
  }
  const bits = mask && allocate(Int16Array, mask.length)
  bits?.set(mask!)
  return { pixels: floats(pixels), error: error && floats(error), mask: bits }
}

/** Of a sample of the pixels: what stands deep within a region without data. */
export function medianLevel(pixels: Float32Array): number {
  const step = Math.max(1, Math.floor(pixels.length / 10000)) | 1
  const sample: number[] = []
  for (let p = 0; p < pixels.length; p += step) if (Number.isFinite(pixels[p])) sample.push(pixels[p])
  return sample.length > 0 ? medianOf(sample) : 0
}
