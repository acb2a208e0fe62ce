import { MaskBit } from '@nightpipe/image'
import type { Block, Sample } from './combine-rows.js'

/** Pixels that are saturated in every frame keep the mean of what they have: the core of a bright star is no hole. */
export function fillSaturated(samples: readonly Sample[], { pixels, error, count, bits }: Block): void {
  for (let p = 0; p < pixels.length; p++) {
    if (count[p] !== 0 || (bits[p] & MaskBit.saturated) === 0) continue
    let [sum, n] = [0, 0]
    for (const { plane, pixels: own, mask } of samples) {
      if (!Number.isFinite(own[p]) || (mask && (mask[p] & MaskBit.noData) !== 0)) continue
      sum += (own[p] - plane.offset) * plane.scale
      n++
    }
    pixels[p] = sum / n
    if (error) error[p] = Number.isNaN(pixels[p]) ? Number.NaN : Math.abs(pixels[p])
  }
}
