import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import { medianOf } from '@nightpipe/math'
import { ringLight, type StarLight } from '@nightpipe/registration'
import type { CirclePlan } from './circles.js'
import { placeIn, type Stamps, sideOf } from './stamps.js'

/** The light about stars, with the pixels that it is from. */
export interface Surroundings {
  stars: StarLight
  stamps: Stamps
  /** Of the stars, in the pixels of the frame. */
  x: Float64Array
  y: Float64Array
  /** Electrons in a unit of the frame. */
  gain: number
}

export interface HitOptions {
  /** Flux in the reference over that in the frame. */
  scale: number
  /** So many pixels about is looked for the star that may explain a difference. */
  reach: number
}

/** Stars may differ by so much of their light, besides what they do in the middle. */
const UNLIKE = 0.15

/** Pixels that differ by more than this many sigma are left out. */
const LIMIT = 6
/** Bits that spoil a pixel: bad, saturated, hit, no data. */
const BITS = 15
const NO_DATA = 8
/** Of the stars, so many must be left. */
const LEFT = 1 / 3

/**
 * The light about the stars of two frames without the pixels, and those next to them, in which they differ by more than noise and seeing explain:
 * a particle has hit one of them. The pixels are left out of both, so that neighbours still count alike. Nothing if there are none,
 * or if too few stars have nothing of the kind in their circle.
 */
export function withoutHits(
  reference: Surroundings,
  frame: Surroundings,
  plan: CirclePlan,
  options: HitOptions,
): [reference: StarLight, frame: StarLight] | undefined {
  const n = reference.stars.sigma.length
  const struck: number[] = []
  const spoilt = spoiltPixels(reference, frame, options, struck)
  if (struck.length === 0) return undefined
  const cleaned = [reference, frame].map((one) => cleanedOf(one, struck, spoilt, plan))
  const seen = (lights: readonly StarLight[]) =>
    struck.filter((k) => lights.every(({ light, rings }) => !Number.isNaN(light[k * rings]))).length
  const before = seen([reference.stars, frame.stars])
  const others = n - struck.length
  if (others + seen(cleaned) < LEFT * (others + before)) return undefined
  return [cleaned[0], cleaned[1]]
}

/** What the seeing changes of the light in the middle of a star, as a part of what both frames have: that of most stars. */
function unlikenessOf(reference: Surroundings, frame: Surroundings, scale: number): number {
  const { half, level } = reference.stamps
  const side = sideOf(half)
  const changes = Array.from(level, (_, k) => {
    const middle = (k * side + half) * side + half
    const [ours, theirs] = [lightAt(reference.stamps, k, middle), scale * lightAt(frame.stamps, k, middle)]
    return Math.abs(ours - theirs) / Math.min(ours, theirs)
  }).filter((change) => change >= 0)
  return changes.length > 0 ? medianOf(changes) : 1
}

/** Above the sky of the star; NaN where it is not known. */
function lightAt({ pixels, mask, level, saturation }: Stamps, k: number, p: number): number {
  return (mask && mask[p] & BITS) || pixels[p] >= saturation ? Number.NaN : pixels[p] - level[k]
}

/** The pixels that are not believed; the stars that have some are told in `struck`. */
function spoiltPixels(
  reference: Surroundings,
  frame: Surroundings,
  { scale, reach }: HitOptions,
  struck: number[],
): number[] {
  const [ours, theirs] = [reference.stamps, frame.stamps]
  const side = sideOf(ours.half)
  const perUnit = 1 / reference.gain + scale / frame.gain
  const part = UNLIKE + unlikenessOf(reference, frame, scale)
  const spoilt: number[] = []
  scoped(() => {
    const [here, there] = [lent(ours.pixels), lent(theirs.pixels)]
    const found = allocate(Int32Array, side * side)
    for (let k = 0; k < ours.level.length; k++) {
      const first = k * side * side
      const variance = reference.stars.sigma[k] ** 2 + (scale * frame.stars.sigma[k]) ** 2
      const count = kernels().unlikePixels(
        ...([here.byteOffset + 4 * first, there.byteOffset + 4 * first, side * side, scale] as const),
        ...([ours.level[k], theirs.level[k], LIMIT, variance, perUnit, part, found.byteOffset] as const),
      )
      const before = spoilt.length
      for (const place of found.subarray(0, count)) {
        const difference = Math.abs(lightAt(ours, k, first + place) - scale * lightAt(theirs, k, first + place))
        const [u, v] = [place % side, Math.floor(place / side)]
        const light = commonAbout(u, v, k)
        const noise = LIMIT * Math.sqrt(variance + perUnit * light.own)
        if (difference > noise + part * light.most) markAbout(spoilt, first, side, u, v)
      }
      if (spoilt.length > before) struck.push(k)
    }
  })
  return spoilt

  /** The light that both frames have there, and the most that both have near it. */
  function commonAbout(u: number, v: number, k: number): { own: number; most: number } {
    let [own, most] = [0, 0]
    for (let j = Math.max(0, v - reach); j <= Math.min(side - 1, v + reach); j++) {
      for (let i = Math.max(0, u - reach); i <= Math.min(side - 1, u + reach); i++) {
        const p = (k * side + j) * side + i
        const light = Math.min(lightAt(ours, k, p), scale * lightAt(theirs, k, p))
        if (light > most) most = light
        if (i === u && j === v && light > 0) own = light
      }
    }
    return { own, most }
  }
}

/** Interpolation has spread a hit to the pixels next to it. */
function markAbout(spoilt: number[], first: number, side: number, u: number, v: number): void {
  for (let j = Math.max(0, v - 1); j <= Math.min(side - 1, v + 1); j++) {
    for (let i = Math.max(0, u - 1); i <= Math.min(side - 1, u + 1); i++) spoilt.push(first + j * side + i)
  }
}

/** The light about the stars that were struck anew, the other stars as they were. */
function cleanedOf(
  { stars, stamps, x, y }: Surroundings,
  struck: readonly number[],
  spoilt: number[],
  plan: CirclePlan,
): StarLight {
  const { half, pixels } = stamps
  const side = sideOf(half)
  const mask = stamps.mask?.slice() ?? new Int16Array(pixels.length)
  for (const p of spoilt) mask[p] = NO_DATA
  const places = {
    x: Float64Array.from(struck, (k) => placeIn(half, x[k])),
    y: Float64Array.from(struck, (k) => k * side + placeIn(half, y[k])),
  }
  const image = { pixels, mask, width: side, height: pixels.length / side }
  const { light, clipped, rings } = ringLight(image, places, {
    saturation: stamps.saturation,
    ...{ radius: plan.radii[plan.radii.length - 1], reach: plan.reach, skyFrom: plan.sky[1] },
  })
  const cleaned = { ...stars, light: stars.light.slice(), clipped: stars.clipped.slice() }
  struck.forEach((k, n) => {
    cleaned.light.set(light.subarray(n * rings, (n + 1) * rings), k * rings)
    cleaned.clipped.set(clipped.subarray(n * rings, (n + 1) * rings), k * rings)
  })
  return cleaned
}
