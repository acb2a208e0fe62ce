import { besselJ0, besselJ1 } from '@nightpipe/math'
import { STEP } from '@nightpipe/registration'

/** Circles of growing radius in which stars are compared, px, and how far about them one must look. */
export interface CirclePlan {
  radii: number[]
  /** Circles have soft edges, of Gaussians of this variance: then pixels do not show. */
  softness: number
  /** From here to there lies the ring of the sky. */
  sky: [number, number]
  reach: number
}

/** Circles in all. */
const CIRCLES = 7
/** Edges of circles and stars that waves of this many sigmas no longer show. */
const SMOOTH = 4.3

/** The narrowest circle holds the cores of stars, the widest is the one that fluxes are from. */
export function planCircles(radius: number, widest: number): CirclePlan {
  const least = Math.min(0.5 * widest, 0.5 * radius)
  const sky: [number, number] = [1.3 * radius, 2 * radius]
  return {
    radii: Array.from({ length: CIRCLES }, (_, j) => least + ((radius - least) * j) / (CIRCLES - 1)),
    softness: Math.max(0.7, (0.25 * widest) ** 2),
    ...{ sky, reach: sky[1] + widest + 4 },
  }
}

/** The circles as sums over waves, in which what the seeing does is a product. */
export interface Circles {
  /** Wave numbers, 2π over the length of the wave in px. */
  waves: Float64Array
  /** For each circle the part of each wave that is counted in it, less that of the ring of the sky. */
  counted: Float64Array[]
  /** Pixels whose noise a circle has. */
  areas: number[]
  /** What light at the rings of a star adds to waves: for each wave, ring by ring. */
  rings: number
  bessel: Float64Array
}

export function circlesOf({ radii, softness, sky, reach }: CirclePlan): Circles {
  const step = Math.PI / (2.2 * reach)
  const waves = Float64Array.from({ length: Math.ceil(SMOOTH / Math.sqrt(softness) / step) }, (_, q) => q * step)
  const disc = (radius: number) =>
    waves.map((k) => {
      const x = k * radius
      const whole = Math.PI * radius * radius * Math.exp((-k * k * softness) / 2)
      return x > 0 ? (2 * whole * besselJ1(x)) / x : whole
    })
  const [inner, outer] = sky.map(disc)
  const ringArea = Math.PI * (sky[1] ** 2 - sky[0] ** 2)
  const ring = outer.map((value, q) => (value - inner[q]) / ringArea)
  const counted = radii.map((radius) => {
    const area = Math.PI * radius * radius
    return disc(radius).map((value, q) => ((value - area * ring[q]) * waves[q] * step) / (2 * Math.PI))
  })
  const rings = Math.floor(reach / STEP) + 1
  const bessel = new Float64Array(waves.length * rings)
  waves.forEach((k, q) => {
    for (let b = 0; b < rings; b++) bessel[q * rings + b] = besselJ0(k * b * STEP)
  })
  const areas = radii.map((radius) => Math.PI * radius * radius * (1 + (Math.PI * radius * radius) / ringArea))
  return { waves, counted, areas, rings, bessel }
}

/** Light in rings as waves. */
export function wavesOf({ waves, rings, bessel }: Circles, light: Float64Array): Float64Array {
  return waves.map((_, q) => {
    let sum = 0
    for (let b = 0; b < rings; b++) sum += light[b] * bessel[q * rings + b]
    return sum
  })
}

/** What is in each circle once `transfer` is left of each wave. */
export const lightIn = ({ counted }: Circles, amplitudes: Float64Array, transfer: Float64Array): number[] =>
  counted.map((part) => {
    let sum = 0
    for (let q = 0; q < part.length; q++) sum += part[q] * transfer[q] * amplitudes[q]
    return sum
  })

/** What each ring of light counts in the widest circle, once `transfer` is left of each wave. */
export function weightsOfRings({ counted, rings, bessel }: Circles, transfer: Float64Array): Float64Array {
  const part = counted[counted.length - 1]
  const weights = new Float64Array(rings)
  for (let q = 0; q < part.length; q++) {
    const factor = part[q] * transfer[q]
    for (let b = 0; b < rings; b++) weights[b] += factor * bessel[q * rings + b]
  }
  return weights
}
