import { MaskBit } from '@nightpipe/image'
import type { Block, Sample } from './combine-rows.js'
import type { Canvas } from './recipe.js'
import type { Spot } from './saturated-spots.js'

/**
 * Marks pixels of the stack that frames without a mask show saturated, and have not been left out of; `first` is the row of the
 * stack that the block begins with. Returns in how many of them no frame was left.
 */
export function markSaturated(
  samples: readonly Sample[],
  { count, bits }: Block,
  { width, x0, y0 }: Canvas,
  first: number,
): number {
  const rows = bits.length / width
  let lost = 0
  for (const { pixels, plane } of samples) {
    const squares = plane.saturated ?? new Int32Array(0)
    for (let n = 0; n < squares.length; n += 4) {
      const [left, low, right, high] = squares.subarray(n, n + 4)
      const [top, bottom] = [Math.max(0, low - y0 - first), Math.min(rows - 1, high - y0 - first)]
      for (let v = top; v <= bottom; v++) {
        for (let p = v * width + left - x0; p <= v * width + right - x0; p++) {
          if (!(pixels[p] >= plane.ceiling)) continue
          if (count[p] > 0) bits[p] |= MaskBit.saturated
          else {
            bits[p] = MaskBit.saturated
            lost++
          }
        }
      }
    }
  }
  return lost
}

/**
 * Rows of the samples without the frames that spots leave out: a pixel of theirs counts as one without data, unless no other
 * frame has a good one (below its ceiling, without any of the bits `unusable`).
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
    for (let v = top; v <= bottom; v++) {
      const half = Math.sqrt(radius ** 2 - (v - cy) ** 2)
      const right = Math.min(width - 1, Math.floor(cx + half))
      for (let p = v * width + Math.max(0, Math.ceil(cx - half)); p <= v * width + right; p++) {
        if (!others.some((sample) => isGood(sample, p, unusable))) continue
        for (const { mask, pixels } of out) {
          if (mask) mask[p] |= MaskBit.noData
          else pixels[p] = Number.NaN
        }
      }
    }
  }
}

const isGood = ({ pixels, mask, plane }: Sample, p: number, unusable: number) =>
  Number.isFinite(pixels[p]) && pixels[p] < plane.ceiling && !((mask?.[p] ?? 0) & unusable)

/** Of fewer frames none tells which of them has an outlier. */
const VOTERS = 3

/** Likewise about what stands out in single frames, where enough good ones are left to tell what else does. */
export function leaveOutGrown(
  samples: readonly Sample[],
  spots: readonly Spot[],
  { width, x0, y0 }: Canvas,
  [first, rows]: readonly [first: number, rows: number],
  unusable: number,
): void {
  const inside = spots.filter(({ y, radius }) => y - y0 + radius >= first && y - y0 - radius < first + rows)
  if (inside.length === 0) return
  const grown = samples.map(({ place, pixels }) => {
    const own = inside.filter(({ planes }) => planes.includes(place))
    return own.length > 0 ? discsOf(own, pixels.length, { width, x0, y0: y0 + first }) : undefined
  })
  for (let p = 0; p < rows * width; p++) {
    if (!grown.some((plane) => plane?.[p])) continue
    const left = samples.filter((sample, k) => !grown[k]?.[p] && isGood(sample, p, unusable)).length
    if (left < VOTERS) continue
    for (const [k, { mask, pixels }] of samples.entries()) {
      if (!grown[k]?.[p]) continue
      if (mask) mask[p] |= MaskBit.noData
      else pixels[p] = Number.NaN
    }
  }
}

/** 1 in the discs of spots. */
function discsOf(spots: readonly Spot[], n: number, { width, x0, y0 }: Omit<Canvas, 'height'>): Uint8Array {
  const plane = new Uint8Array(n)
  const last = n / width - 1
  for (const { x, y, radius } of spots) {
    const [cx, cy] = [x - x0, y - y0]
    for (let v = Math.max(0, Math.ceil(cy - radius)); v <= Math.min(last, cy + radius); v++) {
      const half = Math.sqrt(radius ** 2 - (v - cy) ** 2)
      const [left, right] = [Math.max(0, Math.ceil(cx - half)), Math.min(width - 1, Math.floor(cx + half))]
      if (right >= left) plane.fill(1, v * width + left, v * width + right + 1)
    }
  }
  return plane
}
