import type { Kernel } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { windowedCentroid } from './centroid.js'
import { measureIsophote } from './isophote.js'
import { connectedRegions } from './regions.js'
import { cutStamp, newStamp, type Scene } from './scene.js'
import { fullWidth } from './width.js'

/** What is assumed of a frame without a measurable star, px. */
const USUAL_WIDTH = 3
/** Stars to tell the width from: so much above the noise of a pixel, and so many of them. */
const BRIGHT = 15
const ENOUGH = 200

/** The full width at half maximum of the brighter stars of a frame, found without a filter; undefined when there is none. */
export function widthOfStars(scene: Scene, noise: number, saturation = Number.POSITIVE_INFINITY): number | undefined {
  const { net, width, height } = scene
  const regions = connectedRegions(net, BRIGHT * noise, width, height, 4)
  const sources = Array.from({ length: regions.count }, (_, g) => {
    const pixels = regions.pixels.subarray(regions.start[g], regions.start[g + 1])
    return measureIsophote(pixels, net, net, width)
  })
  const round = sources
    .filter(({ a, b, peak, pixels }) => a < 3 * b && peak < 0.8 * saturation && pixels.length > 4)
    .sort((p, q) => q.flux - p.flux || p.y - q.y)
    .slice(0, 3 * ENOUGH)
  const stamp = newStamp(31)
  const scratch = new Float64Array(62)
  const widths: number[] = []
  for (const source of round) {
    const half = 15
    cutStamp(stamp, scene, 0, source.x, source.y, half)
    const { x, y, good } = windowedCentroid(stamp, source.x, source.y, Math.max(1, source.a), scratch)
    const found = good ? fullWidth(stamp, x, y, half) : Number.NaN
    if (found > 0.5 && found < half) widths.push(found)
    if (widths.length >= ENOUGH) break
  }
  return widths.length > 0 ? medianOf(widths) : undefined
}

/** A round Gaussian of this full width at half maximum, normalised to sum 1: the filter that finds such stars best. */
export function gaussianKernel(fullWidthPx = USUAL_WIDTH): Kernel {
  const sigma = Math.max(fullWidthPx, 1) / 2.3548
  const half = Math.max(1, Math.min(12, Math.ceil(2.5 * sigma)))
  const size = 2 * half + 1
  const values = new Float64Array(size * size)
  let total = 0
  for (let y = -half, k = 0; y <= half; y++) {
    for (let x = -half; x <= half; x++, k++) {
      values[k] = Math.exp(-(x * x + y * y) / (2 * sigma * sigma))
      total += values[k]
    }
  }
  return { width: size, height: size, values: values.map((value) => value / total) }
}

/** The noise of an image filtered with this kernel, when that of its pixels is 1. */
export function noiseFactor({ values }: Kernel): number {
  let squares = 0
  for (let k = 0; k < values.length; k++) squares += values[k] * values[k]
  return Math.sqrt(squares)
}
