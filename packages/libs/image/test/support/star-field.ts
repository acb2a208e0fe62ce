import { random } from '@nightpipe/math'

/** A frame with truth, in electrons: Moffat stars summed over sub-pixels, tracks of cosmic rays, Poisson and read noise. */
export interface StarField {
  width: number
  height: number
  pixels: Float32Array
  error: Float32Array
  mask: Int16Array
  /** Without noise and cosmic rays, sky included. */
  truth: Float64Array
  sky: number
  cosmic: Float64Array
  /** Number of the event that hit a pixel, from 1; 0 for none. */
  event: Int32Array
}

export interface FieldOptions {
  seed?: number
  size?: number
  fwhm?: number
  sky?: number
  readNoise?: number
  stars?: number
  events?: number
  brightest?: number
  saturation?: number
}

const BETA = 3
const HALF = 25

export function starField(options: FieldOptions = {}): StarField {
  const { seed = 1, size = 512, fwhm = 2.5, sky = 300, readNoise = 5, stars = 350, events = 180 } = options
  const { brightest = 1e6, saturation = 60000 } = options
  const { uniform, normal, poisson } = random(seed)
  const truth = new Float64Array(size * size).fill(sky)
  for (let k = 0; k < stars; k++) {
    const flux = Math.min(brightest, 300 * (1 - uniform()) ** (-1 / 0.8))
    addStar(truth, size, uniform() * size, uniform() * size, flux, fwhm)
  }
  const cosmic = new Float64Array(size * size)
  const event = new Int32Array(size * size)
  for (let k = 0; k < events; k++) {
    const length = 0.3 - 5 * Math.log(1 - uniform())
    const perPixel = 10 ** (1.9 + 1.6 * uniform())
    addTrack(cosmic, event, size, k + 1, uniform() * size, uniform() * size, uniform() * 2 * Math.PI, length, perPixel)
  }
  const pixels = new Float32Array(size * size)
  const error = new Float32Array(size * size)
  const mask = new Int16Array(size * size)
  for (let p = 0; p < pixels.length; p++) {
    const electrons = Math.min(saturation, truth[p] + cosmic[p])
    pixels[p] = Math.min(saturation, poisson(electrons) + readNoise * normal())
    error[p] = Math.sqrt(Math.max(0, pixels[p]) + readNoise ** 2)
    if (pixels[p] >= saturation) mask[p] = 2
  }
  return { width: size, height: size, pixels, error, mask, truth, sky, cosmic, event }
}

function addStar(image: Float64Array, size: number, x: number, y: number, flux: number, fwhm: number): void {
  const alpha = fwhm / (2 * Math.sqrt(2 ** (1 / BETA) - 1))
  const peak = (flux * (BETA - 1)) / (Math.PI * alpha ** 2)
  for (let v = Math.floor(y) - HALF; v <= Math.floor(y) + HALF; v++) {
    for (let u = Math.floor(x) - HALF; u <= Math.floor(x) + HALF; u++) {
      if (u < 0 || v < 0 || u >= size || v >= size) continue
      // pixel u covers u … u + 1; near the centre it is cut into 5 x 5
      const fine = Math.hypot(u + 0.5 - x, v + 0.5 - y) < 4 ? 5 : 1
      let sum = 0
      for (let j = 0; j < fine; j++) {
        for (let i = 0; i < fine; i++) {
          const r2 = (u + (i + 0.5) / fine - x) ** 2 + (v + (j + 0.5) / fine - y) ** 2
          sum += (1 + r2 / alpha ** 2) ** -BETA
        }
      }
      image[v * size + u] += (peak * sum) / fine ** 2
    }
  }
}

function addTrack(
  cosmic: Float64Array,
  event: Int32Array,
  size: number,
  number: number,
  x: number,
  y: number,
  angle: number,
  length: number,
  perPixel: number,
): void {
  const steps = Math.floor(length * 10) + 3
  const charge = (perPixel * length) / steps
  for (let k = 0; k < steps; k++) {
    const t = (k / (steps - 1)) * length
    for (const [dx, wx] of SPREAD) {
      for (const [dy, wy] of SPREAD) {
        const u = Math.floor(x + t * Math.cos(angle) + dx)
        const v = Math.floor(y + t * Math.sin(angle) + dy)
        if (u < 0 || v < 0 || u >= size || v >= size) continue
        cosmic[v * size + u] += charge * wx * wy
        event[v * size + u] = number
      }
    }
  }
}

/** Charge spreads a little on its way: places and weights. */
const SPREAD = [
  [-0.3, 0.25],
  [0, 0.5],
  [0.3, 0.25],
] as const

export interface Score {
  /** Fractions of the pixels with a cosmic ray of over 5 and 10 sigma that are flagged. */
  pixels5: number
  pixels10: number
  /** Fraction of the events with a pixel over 5 sigma of which something is flagged. */
  events: number
  /** Fraction of the flagged pixels that a cosmic ray hit. */
  purity: number
  /** Fraction of the flux of all stars in pixels that are flagged and that no cosmic ray hit. */
  starFlux: number
}

/** Compares flagged pixels with the truth; saturated pixels do not count. */
export function score(field: StarField, flagged: (p: number) => boolean, readNoise = 5): Score {
  const { truth, cosmic, event, sky, pixels } = field
  const counts = { five: 0, five1: 0, ten: 0, ten1: 0, flagged: 0, hit: 0 }
  const seen = new Set<number>()
  const found = new Set<number>()
  let flux = 0
  let touched = 0
  for (let p = 0; p < pixels.length; p++) {
    if ((field.mask[p] & 2) !== 0) continue
    const ratio = cosmic[p] / Math.sqrt(truth[p] + readNoise ** 2)
    const is = flagged(p)
    flux += truth[p] - sky
    if (ratio > 5) seen.add(event[p])
    if (is && event[p] > 0) found.add(event[p])
    if (is && ratio < 0.5) touched += truth[p] - sky
    if (is) counts.flagged++
    if (is && ratio >= 0.5) counts.hit++
    if (ratio > 5) counts.five++
    if (ratio > 5 && is) counts.five1++
    if (ratio > 10) counts.ten++
    if (ratio > 10 && is) counts.ten1++
  }
  return {
    pixels5: counts.five1 / counts.five,
    pixels10: counts.ten1 / counts.ten,
    events: [...seen].filter((e) => found.has(e)).length / seen.size,
    purity: counts.hit / counts.flagged,
    starFlux: touched / flux,
  }
}
