import { type SkyMap, skyAt } from '@nightpipe/image'
import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import type { BrightImage } from './bright-stars.js'
import type { Points } from './nearest.js'

export interface RingOptions {
  /** Within this nothing may be cut, masked or saturated, px. */
  radius: number
  /** How far out light is looked at, px. */
  reach: number
  /** Beyond this there is sky, px. */
  skyFrom: number
  saturation?: number
}

export interface LightOptions extends RingOptions {
  sky: SkyMap
}

/** How the light about some places is spread, the star's and that of its neighbours. */
export interface RingLight {
  /** Distances from a place at which light is gathered: 0, `STEP`, 2 `STEP` and so on, so many. */
  rings: number
  /** For each place the light of its rings above the mean beyond `skyFrom`, one place after the other; NaN where it is spoiled. */
  light: Float64Array
  /** For each place what saturated pixels have of it, in the same rings: their true light is not known. */
  clipped: Float64Array
}

export interface StarLight extends RingLight {
  /** Noise of a pixel of the sky at each place. */
  sigma: Float64Array
}

/** Distance between two rings, px. */
export const STEP = 0.5
/** Of what is looked at, so much may be spoiled, and so much may lie beyond the frame or its data. */
const SPOILED = 0.01
const UNSEEN = 0.2

/**
 * Light in rings about given places of a frame: each pixel is shared by the three rings about it. What is missing in a
 * ring is taken to be as the rest of it; saturated pixels of neighbours have at least the light that they show.
 */
export function starLight(image: BrightImage, places: Points, options: LightOptions): StarLight {
  const { sky } = options
  const sigma = Float64Array.from(places.x, (x, k) => skyAt(sky, sky.sigma, x, places.y[k]))
  return { ...ringLight(image, places, options), sigma }
}

export function ringLight(image: BrightImage, places: Points, options: RingOptions): RingLight {
  const { radius, reach, skyFrom, saturation = Number.POSITIVE_INFINITY } = options
  const rings = Math.floor(reach / STEP) + 1
  const n = places.x.length
  const light = new Float64Array(n * rings).fill(Number.NaN)
  const clipped = new Float64Array(n * rings)
  const { width, height } = image
  scoped(() => {
    const [pixels, mask] = [lent(image.pixels), image.mask && lent(image.mask)]
    const sums = allocate(Float64Array, 4 * rings + 5)
    const [own, seen, all] = [0, 1, 2].map((k) => sums.subarray(k * (rings + 1), (k + 1) * (rings + 1)))
    const full = sums.subarray(3 * (rings + 1))
    for (let k = 0; k < n; k++) {
      const [x, y] = [places.x[k], places.y[k]]
      if (!(Math.round(x) >= 0 && Math.round(y) >= 0 && Math.round(x) < width && Math.round(y) < height)) continue
      const whole = kernels().lightInRings(
        ...([pixels.byteOffset, mask?.byteOffset ?? 0, width, height, x, y] as const),
        ...([radius, reach, STEP, saturation, rings, sums.byteOffset] as const),
      )
      const [spoiled, unseen] = full.subarray(rings)
      if (!whole || spoiled > SPOILED * Math.PI * reach ** 2 || unseen > UNSEEN * Math.PI * reach ** 2) continue
      const level = levelBeyond(own, seen, skyFrom)
      for (let b = 0; b < rings; b++) {
        const sum = seen[b] === all[b] ? own[b] : seen[b] > 0 ? (all[b] * own[b]) / seen[b] : all[b] * level
        light[k * rings + b] = sum - all[b] * level
        clipped[k * rings + b] = full[b]
      }
    }
  })
  return { rings, light, clipped }
}

function levelBeyond(light: Float64Array, seen: Float64Array, from: number): number {
  let [sum, area] = [0, 0]
  for (let b = Math.ceil(from / STEP); b < light.length - 1; b++) {
    sum += light[b]
    area += seen[b]
  }
  return area > 0 ? sum / area : 0
}
