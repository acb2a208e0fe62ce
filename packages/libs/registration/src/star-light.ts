import { type SkyMap, skyAt } from '@nightpipe/image'
import type { BrightImage } from './bright-stars.js'
import type { Points } from './nearest.js'

export interface LightOptions {
  /** Within this nothing may be cut, masked or saturated, px. */
  radius: number
  /** How far out light is looked at, px. */
  reach: number
  /** Beyond this there is sky, px. */
  skyFrom: number
  saturation?: number
  sky: SkyMap
}

/** How the light about some places is spread, the star's and that of its neighbours. */
export interface StarLight {
  /** Distances from a place at which light is gathered: 0, `STEP`, 2 `STEP` and so on, so many. */
  rings: number
  /** For each place the light of its rings above the mean beyond `skyFrom`, one place after the other; NaN where it is spoiled. */
  light: Float64Array
  /** For each place what saturated pixels have of it, in the same rings: their true light is not known. */
  clipped: Float64Array
  /** Noise of a pixel of the sky at each place. */
  sigma: Float64Array
}

/** Distance between two rings, px. */
export const STEP = 0.5
/** Of what is looked at, so much may be spoiled, and so much may lie beyond the frame or its data. */
const SPOILED = 0.01
const UNSEEN = 0.2
const MASKED = 15
const NO_DATA = 8
const SATURATED = 2

/**
 * Light in rings about given places of a frame: each pixel is shared by the three rings about it. What is missing in a
 * ring is taken to be as the rest of it; saturated pixels of neighbours have at least the light that they show.
 */
export function starLight(image: BrightImage, places: Points, options: LightOptions): StarLight {
  const rings = Math.floor(options.reach / STEP) + 1
  const n = places.x.length
  const light = new Float64Array(n * rings).fill(Number.NaN)
  const clipped = new Float64Array(n * rings)
  const sums: Sums = {
    light: new Float64Array(rings + 1),
    seen: new Float64Array(rings + 1),
    all: new Float64Array(rings + 1),
    full: new Float64Array(rings),
  }
  const sigma = Float64Array.from(places.x, (x, k) => skyAt(options.sky, options.sky.sigma, x, places.y[k]))
  for (let k = 0; k < n; k++) {
    if (!gather(image, places.x[k], places.y[k], options, rings, sums)) continue
    const level = levelBeyond(sums, rings, options.skyFrom)
    for (let b = 0; b < rings; b++) {
      const [own, seen, all] = [sums.light[b], sums.seen[b], sums.all[b]]
      const whole = seen === all ? own : seen > 0 ? (all * own) / seen : all * level
      light[k * rings + b] = whole - all * level
      clipped[k * rings + b] = sums.full[b]
    }
  }
  return { rings, light, clipped, sigma }
}

interface Sums {
  light: Float64Array
  /** Pixels that are good, and all. */
  seen: Float64Array
  all: Float64Array
  /** Light of saturated pixels. */
  full: Float64Array
}

/** False where the star is spoiled. */
function gather(
  { pixels, width, height, mask }: BrightImage,
  x: number,
  y: number,
  { radius, reach, saturation = Number.POSITIVE_INFINITY }: LightOptions,
  rings: number,
  sums: Sums,
): boolean {
  const [cx, cy, out] = [Math.round(x), Math.round(y), Math.ceil(reach)]
  const core = (radius + 0.5) ** 2
  if (!(cx >= 0 && cy >= 0 && cx < width && cy < height)) return false
  for (const sum of Object.values(sums)) sum.fill(0)
  let [spoiled, unseen] = [0, 0]
  for (let v = cy - out; v <= cy + out; v++) {
    for (let u = cx - out; u <= cx + out; u++) {
      const square = (u - x) * (u - x) + (v - y) * (v - y)
      const r = Math.sqrt(square) / STEP
      const b = Math.round(r)
      if (b >= rings) continue
      // a parabola through three rings: what is asked of the light bends less than that. Rings go on beyond 0 as they came
      const d = r - b
      const [low, middle, high] = [(d * (d - 1)) / 2, 1 - d * d, (d * (d + 1)) / 2]
      const before = Math.abs(b - 1)
      sums.all[before] += low
      sums.all[b] += middle
      sums.all[b + 1] += high
      const inside = u >= 0 && v >= 0 && u < width && v < height
      const p = v * width + u
      const bits = inside ? (mask ? mask[p] & MASKED : 0) : NO_DATA
      const value = inside ? pixels[p] : Number.NaN
      const good = bits === 0 && value < saturation
      if (!good && square < core) return false
      const full = (bits === SATURATED || (bits === 0 && value >= saturation)) && Number.isFinite(value)
      if (full) {
        spoiled++
        sums.full[b] += value
      }
      if (good || full) {
        sums.seen[before] += low
        sums.seen[b] += middle
        sums.seen[b + 1] += high
        sums.light[before] += low * value
        sums.light[b] += middle * value
        sums.light[b + 1] += high * value
        continue
      }
      if ((bits & NO_DATA) !== 0 || Number.isNaN(value)) unseen++
      else spoiled++
    }
  }
  const area = Math.PI * reach * reach
  return spoiled <= SPOILED * area && unseen <= UNSEEN * area
}

function levelBeyond({ light, seen }: Sums, rings: number, from: number): number {
  let [sum, area] = [0, 0]
  for (let b = Math.ceil(from / STEP); b < rings; b++) {
    sum += light[b]
    area += seen[b]
  }
  return area > 0 ? sum / area : 0
}
