import { MaskBit } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'
import type { Sample } from './combine-rows.js'
import type { Canvas } from './recipe.js'
import type { Spot } from './saturated-spots.js'

/** Gives frames without a mask one that tells which of their pixels are saturated, where these rows have some. */
export function markSaturated(
  samples: readonly Sample[],
  { width, x0, y0 }: Canvas,
  first: number,
  rows: number,
): void {
  for (const sample of samples) {
    const { pixels, plane } = sample
    const squares = plane.saturated ?? new Int32Array(0)
    for (let n = 0; n < squares.length; n += 4) {
      const [left, low, right, high] = squares.subarray(n, n + 4)
      const [top, bottom] = [Math.max(0, low - y0 - first), Math.min(rows - 1, high - y0 - first)]
      if (top > bottom) continue
      const mask = maskOf(sample)
      for (let v = top; v <= bottom; v++) {
        for (let p = v * width + left - x0; p <= v * width + right - x0; p++) {
          if (pixels[p] >= plane.ceiling) mask[p] |= MaskBit.saturated
        }
      }
    }
  }
}

function maskOf(sample: Sample): Int16Array {
  sample.mask ??= allocate(Int16Array, sample.pixels.length).fill(0)
  return sample.mask
}

/**
 * Rows of the samples without the frames that spots leave out: a pixel of theirs counts as one without data, unless no other
 * frame has a good one (without any of the bits `unusable`).
 */
export function leaveOut(
  samples: readonly Sample[],
  spots: readonly Spot[],
  { width, x0, y0 }: Canvas,
  [first, rows]: readonly [first: number, rows: number],
  unusable: number,
): void {
  for (const { x, y, radius, planes } of spots) {
    const [cx, cy] = [x - x0, y - y0 - first]
    const [top, bottom] = [Math.max(0, Math.ceil(cy - radius)), Math.min(rows - 1, Math.floor(cy + radius))]
    if (top > bottom) continue
    const out = samples.filter(({ place }) => planes.includes(place))
    const others = samples.filter(({ place }) => !planes.includes(place))
    const masks = out.map(maskOf)
    for (let v = top; v <= bottom; v++) {
      const half = Math.sqrt(radius ** 2 - (v - cy) ** 2)
      const right = Math.min(width - 1, Math.floor(cx + half))
      for (let p = v * width + Math.max(0, Math.ceil(cx - half)); p <= v * width + right; p++) {
        const seen = others.some(({ pixels, mask }) => Number.isFinite(pixels[p]) && !((mask?.[p] ?? 0) & unusable))
        if (seen) for (const mask of masks) mask[p] |= MaskBit.noData
      }
    }
  }
}
