import { backgroundMesh, convolve, type Frame, MaskBit } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { cleanSources } from './clean.js'
import { deblend } from './deblend.js'
import type { Found } from './found.js'
import { type Isophote, measureIsophote } from './isophote.js'
import { measureSources } from './measure.js'
import { FIND_DEFAULTS, type FindOptions } from './options.js'
import { gaussianKernel, noiseFactor, widthOfStars } from './own-profile.js'
import { frameQuality } from './quality.js'
import { connectedRegions } from './regions.js'
import type { Scene } from './scene.js'
import { StarFlag } from './stars.js'

/** Pixels with these bits tell nothing of the sky. */
const UNUSABLE = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData

/**
 * The stars of a frame: background by meshes, matched filter, connected pixels, deblending, cleaning, then centroids,
 * shapes and fluxes of each. The frame is not changed.
 */
export function findStars(frame: Frame, options: Partial<FindOptions> = {}): Found {
  const chosen = { ...FIND_DEFAULTS, ...options }
  const { width, height, mask } = frame
  const background = backgroundMesh(frame.pixels, width, height, {
    ...{ mesh: chosen.mesh, filter: chosen.meshFilter, mask, maskBits: UNUSABLE | MaskBit.saturated },
  })
  const noise = background.expandRms()
  const net = netImage(frame, background.expand())
  const skySigma = medianOf(background.rms)
  const scene: Scene = {
    ...{ width, height, net, error: frame.error, perUnit: chosen.gain ? 1 / chosen.gain : 0 },
    ...{ owner: new Int32Array(net.length), skyNoise: (x, y) => noise[y * width + x] },
  }
  const { filtered, factor } = filterImage(scene, chosen, skySigma)
  const sources = detect(scene, filtered, noise, factor, chosen)
  const kept = cleanSources(sources, chosen.isophote * factor * skySigma, chosen.clean)
  kept.forEach(({ pixels }, i) => {
    for (const p of pixels) scene.owner[p] = i + 1
  })
  for (const source of kept) source.flags |= maskFlags(source, frame, chosen)
  const stars = measureSources(kept, scene, background, chosen)
  for (let i = 0; i < kept.length; i++) {
    const p = kept[i].peakAt
    stars.significance[i] = kept[i].filteredPeak / (factor * noise[p])
  }
  const quality = frameQuality(stars, background, chosen)
  return { stars, background, quality, net, segmentation: scene.owner }
}

function netImage({ pixels, mask, error }: Frame, level: Float32Array): Float32Array {
  for (let p = 0; p < pixels.length; p++) {
    const unusable = (mask && (mask[p] & UNUSABLE) !== 0) || (error && !(error[p] > 0))
    level[p] = unusable ? Number.NaN : pixels[p] - level[p]
  }
  return level
}

/** The image for detection, and its noise where that of the pixels is 1. Masked pixels count as sky. */
function filterImage(scene: Scene, { filter, saturation }: FindOptions, skySigma: number) {
  const { net, width, height } = scene
  const known = net.map((value) => (Number.isNaN(value) ? 0 : value))
  if (filter === 'none') return { filtered: known, factor: 1 }
  const kernel = filter === 'psf' ? gaussianKernel(widthOfStars(scene, skySigma, saturation)) : filter
  return { filtered: convolve(known, width, height, kernel), factor: noiseFactor(kernel) }
}

/** Connected pixels above the isophote with a significant peak, deblended. */
function detect(scene: Scene, filtered: Float32Array, noise: Float32Array, factor: number, options: FindOptions) {
  const { width, height, net, error } = scene
  const { threshold, minimumArea } = options
  const isophote = Math.min(options.isophote, threshold)
  const limit = noise.map((sigma) => isophote * factor * sigma)
  const regions = connectedRegions(filtered, limit, width, height, minimumArea)
  const noiseAt = (p: number) => factor * (error && error[p] > noise[p] ? error[p] : noise[p])
  const sources: Isophote[] = []
  for (let g = 0; g < regions.count; g++) {
    const pixels = regions.pixels.subarray(regions.start[g], regions.start[g + 1])
    if (!pixels.some((p) => filtered[p] >= threshold * noiseAt(p))) continue
    const split = { levels: options.deblendLevels, contrast: options.deblendContrast, minimumArea }
    const floor = Math.min(...(pixels.length > 1000 ? [limit[pixels[0]]] : pixels.map((p) => limit[p])))
    for (const part of deblend(pixels, filtered, width, floor, {
      ...split,
      leastRise: (p) => (threshold * noiseAt(p)) / 2,
    })) {
      const source = measureIsophote(part.pixels, net, filtered, width)
      if (source.filteredPeak < threshold * noiseAt(source.peakAt)) continue
      if (part.deblended) source.flags |= StarFlag.deblended
      sources.push(source)
    }
  }
  return sources
}

function maskFlags({ pixels, x0, x1, y0, y1 }: Isophote, frame: Frame, { saturation }: FindOptions): number {
  const { width, height, mask } = frame
  let flags = x0 <= 0 || y0 <= 0 || x1 >= width - 1 || y1 >= height - 1 ? StarFlag.truncated : 0
  const limit = saturation ?? Number.POSITIVE_INFINITY
  for (const p of pixels) {
    if (frame.pixels[p] >= limit) flags |= StarFlag.saturated
    if (!mask) continue
    if (mask[p] & MaskBit.saturated) flags |= StarFlag.saturated
    if (mask[p] & UNUSABLE) flags |= StarFlag.masked
    if (mask[p] & MaskBit.cosmicRay) flags |= StarFlag.cosmicRay
  }
  return flags
}
