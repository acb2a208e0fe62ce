import { type SkyMap, sampleSky } from '@nightpipe/image'
import { scoped } from '@nightpipe/kernels'
import { median } from '@nightpipe/math'
import type { BrightImage } from './bright-stars.js'
import { circles, lent, type StarImage } from './measure-star.js'
import type { Points } from './nearest.js'

export interface PlaceOptions {
  /** Of the circle, px. The sky is that of a ring about it, twice as wide. */
  radius: number
  /** Radii of smaller circles about the same places, px, growing; none unless asked for. */
  inner?: readonly number[]
  gain: number
  saturation?: number
  /** Of the frame, where it is known already. */
  sky?: SkyMap
}

export interface PlaceFluxes {
  /** In a circle about each place; NaN where it is cut, masked or saturated. */
  flux: Float64Array
  error: Float64Array
  /** Likewise in each of the smaller circles, above the same sky. */
  within: { flux: Float64Array; error: Float64Array }[]
}

/** What is in circles about given places of a frame, above the sky of a ring about each. */
export function measurePlaces(
  image: BrightImage,
  places: Points,
  { radius, inner = [], gain, saturation, sky = skyOf(image) }: PlaceOptions,
): PlaceFluxes {
  return scoped(() => {
    const star: StarImage = { ...image, pixels: lent(image.pixels), sky, gain, saturation }
    const n = places.x.length
    const radii = [...inner, radius]
    const measured = radii.map(() => ({
      flux: new Float64Array(n).fill(Number.NaN),
      error: new Float64Array(n).fill(Number.NaN),
    }))
    for (let k = 0; k < n; k++) {
      const [x, y] = [places.x[k], places.y[k]]
      if (!isWhole(star, x, y, radius)) continue
      const level = ringLevel(star, x, y, 1.3 * radius, 2 * radius)
      if (level === undefined) continue
      for (const [j, { flux, fluxError }] of circles(star, x, y, radii, level).entries()) {
        measured[j].flux[k] = flux
        measured[j].error[k] = fluxError
      }
    }
    return { ...measured[inner.length], within: measured.slice(0, inner.length) }
  })
}

const skyOf = ({ pixels, width, height, mask }: BrightImage) => sampleSky(pixels, width, height, { mask })

/** True when the circle lies within the frame, without a masked or saturated pixel. */
function isWhole(
  { pixels, width, height, mask, saturation }: StarImage,
  x: number,
  y: number,
  radius: number,
): boolean {
  const reach = Math.ceil(radius + 1)
  const [cx, cy] = [Math.round(x), Math.round(y)]
  if (cx < reach || cy < reach || cx >= width - reach || cy >= height - reach) return false
  for (let v = cy - reach; v <= cy + reach; v++) {
    for (let u = cx - reach; u <= cx + reach; u++) {
      if ((u - x) ** 2 + (v - y) ** 2 > (radius + 0.5) ** 2) continue
      const q = v * width + u
      if (!Number.isFinite(pixels[q]) || (mask && (mask[q] & 15) !== 0)) return false
      if (saturation !== undefined && pixels[q] >= saturation) return false
    }
  }
  return true
}

function ringLevel({ pixels, width, height }: StarImage, x: number, y: number, inner: number, outer: number) {
  const values: number[] = []
  const reach = Math.ceil(outer)
  for (let v = Math.max(0, Math.round(y) - reach); v <= Math.min(height - 1, Math.round(y) + reach); v++) {
    for (let u = Math.max(0, Math.round(x) - reach); u <= Math.min(width - 1, Math.round(x) + reach); u++) {
      const r2 = (u - x) ** 2 + (v - y) ** 2
      if (r2 < inner ** 2 || r2 > outer ** 2) continue
      const value = pixels[v * width + u]
      if (Number.isFinite(value)) values.push(value)
    }
  }
  return values.length < 20 ? undefined : clippedMean(Float64Array.from(values))
}

/** Of values about their median, without those further than three sigma: stars in the ring. */
function clippedMean(values: Float64Array): number {
  let [centre, limit] = [median(values.slice()), Number.POSITIVE_INFINITY]
  for (let round = 0; round < 4; round++) {
    let [sum, squares, n] = [0, 0, 0]
    for (const value of values) {
      const d = value - centre
      if (Math.abs(d) > limit) continue
      sum += d
      squares += d * d
      n++
    }
    const mean = sum / n
    limit = 3 * Math.sqrt(Math.max(0, squares / n - mean * mean))
    centre += mean
  }
  return centre
}
