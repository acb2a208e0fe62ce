import { DataError } from '@nightpipe/command'
import { MaskBit } from '@nightpipe/image'
import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import {
  type Affine,
  fitAffine,
  IDENTITY,
  matchPatterns,
  type PatternMatch,
  type PixelMap,
  type Points,
  pairsUnder,
  refineMatch,
  resample,
  type StarList,
  transform,
} from '@nightpipe/registration'
import { type CardLookup, readWcs } from '@nightpipe/sky'
import { type FoundStars, goodStars } from '@nightpipe/stars'
import type { SubtractionConfig } from './schema.js'
import { isPartial } from './seams.js'
import { sharedPlane } from './shared.js'
import { type Side, UNUSABLE } from './side.js'

/** The reference on the grid of the new frame. */
export interface Registered {
  net: Float32Array
  variance: Float32Array
  mask: Int16Array
  /** Stars of the reference where they lie on this grid. */
  stars: {
    x: Float64Array
    y: Float64Array
    flux: Float64Array
    flags: Int16Array
    fwhm: Float32Array
    signal: Float64Array
    good: number[]
  }
  how: 'as it is' | 'stars' | 'wcs' | 'wcs and stars'
  /** Of the stars after registration, px; NaN where none could be compared. */
  rms: number
  resampled: boolean
  /** Noise of large sums over that of the pixels, by the interpolation. */
  noiseFactor: number
  /** What the ratios of stars scatter by about a transparency that differs over the field; absent without. */
  fluxScatter?: number
  /** From a pixel of the new frame to one of the reference, as nearly as an affine transformation does it. */
  toReference: Affine
}

/** Brings the reference onto the grid of the new frame, or finds that it lies there already. */
export function registerReference(fresh: Side, reference: Side, config: SubtractionConfig): Registered {
  const { method, tolerance, resampling } = config.registration
  const sameSize = fresh.width === reference.width && fresh.height === reference.height
  if (method === 'none') {
    if (!sameSize) {
      const sizes = `${fresh.frame.name} is ${fresh.width}x${fresh.height} but the reference is ${reference.width}x${reference.height}`
      throw new DataError(sizes, 'set [registration] method = auto')
    }
    return asItIs(reference, Number.NaN)
  }
  const found = findMap(fresh, reference, method)
  if (!found) {
    throw new DataError(
      `the stars of ${fresh.frame.name} and ${reference.frame.name} do not match`,
      'is it the same field? give both a WCS, or align them first',
    )
  }
  if (sameSize && displacement(found.map, fresh) <= tolerance) return asItIs(reference, found.rms)
  const source = {
    ...{ name: reference.frame.name, width: reference.width, height: reference.height },
    ...{ pixels: reference.net, error: reference.variance.map(Math.sqrt), mask: reference.mask },
  }
  const moved = resample(source, found.map, { width: fresh.width, height: fresh.height, method: resampling })
  const [net, variance] = [moved.pixels, moved.error!].map((plane) => {
    const shared = sharedPlane(Float32Array, plane.length)
    shared.set(plane)
    return shared
  }) as [Float32Array, Float32Array]
  for (let p = 0; p < variance.length; p++) variance[p] = variance[p]! * variance[p]!
  for (let p = 0; p < net.length; p++) {
    if (Number.isFinite(net[p]) && variance[p] > 0) continue
    net[p] = 0
    variance[p] = 0
    moved.mask[p] |= MaskBit.noData
  }
  const covered = 1 - countOf(moved.mask, MaskBit.noData) / net.length
  if (covered < 0.02) {
    throw new DataError(`${reference.frame.name} does not cover ${fresh.frame.name}`, 'give a reference of this field')
  }
  const stars = starsOf(reference, inverseOf(found.map, fresh))
  return {
    net,
    variance,
    mask: moved.mask,
    stars,
    how: found.how,
    rms: found.rms,
    resampled: true,
    noiseFactor: moved.noiseFactor,
    toReference: affineOf(found.map, fresh),
  }
}

const countOf = (mask: Int16Array, bit: number) => mask.reduce((n, bits) => n + (bits & bit ? 1 : 0), 0)

function asItIs(reference: Side, rms: number): Registered {
  const { net, variance, mask } = reference
  const stars = starsOf(reference, (x, y) => [x, y])
  return { net, variance, mask, stars, how: 'as it is', rms, resampled: false, noiseFactor: 1, toReference: IDENTITY }
}

function starsOf(reference: Side, place: (x: number, y: number) => readonly [number, number]): Registered['stars'] {
  const stars = withPartial(reference)
  const moved = { x: new Float64Array(stars.count), y: new Float64Array(stars.count) }
  for (let i = 0; i < stars.count; i++) [moved.x[i], moved.y[i]] = place(stars.x[i], stars.y[i])
  const signal = stars.flux.map((flux, i) => flux / stars.fluxError[i])
  const good = [...goodStars(stars)].sort((i, j) => stars.flux[j]! - stars.flux[i]!)
  return { ...moved, flux: stars.flux, flags: stars.flags, fwhm: stars.fwhm, signal, good }
}

/** Stars of a stack, those that are of a part of its frames flagged like saturated ones. */
function withPartial(stack: Side): FoundStars {
  const { stars, quality } = stack.found
  const partial = isPartial(stack, quality.seeing || 3)
  const flags = stars.flags.map((bits, i) => (partial(stars.x[i]!, stars.y[i]!) ? bits | SATURATED : bits))
  return { ...stars, flags }
}

interface FoundMap {
  map: PixelMap
  how: 'stars' | 'wcs' | 'wcs and stars'
  rms: number
}

/** From a pixel of the new frame to its place in the reference. */
function findMap(fresh: Side, reference: Side, method: string): FoundMap | undefined {
  const wcs = method === 'stars' ? undefined : skyMap(fresh, reference)
  const [from, to] = [brightest(fresh), brightest(reference)]
  if (wcs) {
    const places = { x: new Float64Array(from.x.length), y: new Float64Array(from.x.length) }
    for (let i = 0; i < from.x.length; i++) [places.x[i], places.y[i]] = wcs(from.x[i], from.y[i])
    const small = correction(places, to)
    if (small) {
      const map = (x: number, y: number) => transform(small.transform, ...(wcs(x, y) as [number, number]))
      return { map, how: 'wcs and stars', rms: small.rms }
    }
    if (method === 'wcs') return { map: wcs, how: 'wcs', rms: Number.NaN }
  } else if (method === 'wcs') {
    throw new DataError(`${fresh.frame.name} or its reference has no WCS`, 'set [registration] method = stars')
  }
  const match = byPattern(fresh, reference, from, to) ?? bySaturated(fresh, reference, from, to)
  if (match) return { map: match.transform, how: 'stars', rms: match.rms }
  // a handful of stars may be too few for patterns, and enough to see that nothing has moved
  const still = refineMatch(from, to, IDENTITY, 1)
  if (still && still.pairs.length >= Math.max(3, 0.3 * Math.min(from.x.length, to.x.length))) {
    return { map: still.transform, how: 'stars', rms: still.rms }
  }
  return wcs && { map: wcs, how: 'wcs', rms: Number.NaN }
}

/** Pairs from which more than a shift is learned about two solutions that agree but for a little. */
const FOR_MORE = 20

/** What the stars say is still missing where the coordinates of both frames have been used. */
function correction(places: Points, to: Points): { transform: Affine; rms: number } | undefined {
  const pairs = pairsUnder(places, to, IDENTITY, 3)
  if (pairs.length >= FOR_MORE) return refineMatch(places, to, IDENTITY, 3)
  // lists begin with the brightest stars: those say best where the frame lies
  pairs.sort(([i], [j]) => i - j).splice(12)
  if (pairs.length < 3) return undefined
  const [dx, dy] = [pairs.map(([i, j]) => to.x[j]! - places.x[i]!), pairs.map(([i, j]) => to.y[j]! - places.y[i]!)]
  const [mx, my] = [medianOf(dx), medianOf(dy)]
  const rms = MAD_TO_SIGMA * Math.hypot(mad(dx), mad(dy))
  return { transform: [1, 0, mx, 0, 1, my], rms }
}

const byPattern = (fresh: Side, reference: Side, from: StarList, to: StarList): PatternMatch | undefined =>
  matchPatterns(from, to) ?? otherOptics(fresh, reference, from, to)

/**
 * A sharper or longer frame saturates at fainter stars: the brightest that are whole are then others than in the other
 * frame. The pattern is sought with the saturated ones, the rest is learned from those that are whole.
 */
function bySaturated(fresh: Side, reference: Side, from: StarList, to: StarList): PatternMatch | undefined {
  const rough = byPattern(fresh, reference, brightest(fresh, UNPLACED), brightest(reference, UNPLACED))
  if (!rough) return undefined
  const refined = refineMatch(from, to, rough.transform, ROUGHLY)
  return refined && { ...refined, falseMatchProbability: rough.falseMatchProbability }
}

/** Another camera or telescope may mirror the field and has another scale: that which the headers tell, if they do. */
function otherOptics(fresh: Side, reference: Side, from: StarList, to: StarList): PatternMatch | undefined {
  const [here, there] = [fresh.facts.pixelScaleArcsec, reference.facts.pixelScaleArcsec]
  const scale = here && there ? here / there : undefined
  const range = scale ? ([0.93 * scale, 1.07 * scale] as const) : ([0.45, 2.2] as const)
  return matchPatterns(from, to, { mirrored: 'either', scale: range, brightest: [20, 30] })
}

function skyMap(fresh: Side, reference: Side): ((x: number, y: number) => readonly [number, number]) | undefined {
  const guess = (side: Side) => side.lookup('WCSSEED') === true
  const [here, there] = [fresh, reference].map((side) => readWcs(side.lookup as CardLookup))
  if (!here || !there || guess(fresh) || guess(reference)) return undefined
  return (x, y) => {
    const [ra, dec] = here.toSky(x, y)
    return there.toPixel(ra, dec) ?? [Number.NaN, Number.NaN]
  }
}

/** Flags of stars that nothing tells the place of, and those of stars that are not whole. */
const UNPLACED = 256 | 512
const SATURATED = 4
const NOT_WHOLE = SATURATED | UNPLACED
/** How far off a pattern with saturated stars may be, px. */
const ROUGHLY = 3

/** Stars to register by: without those flagged, the brightest first. */
function brightest({ found: { stars } }: Side, flagged = NOT_WHOLE): StarList {
  const good = Array.from({ length: stars.count }, (_, i) => i).filter((i) => (stars.flags[i] & flagged) === 0)
  const kept = good.sort((i, j) => stars.flux[j] - stars.flux[i]).slice(0, 1000)
  const pick = (values: Float64Array) => Float64Array.from(kept, (i) => values[i]!)
  return { x: pick(stars.x), y: pick(stars.y), flux: pick(stars.flux) }
}

/** How far corners and middle of the frame move. */
function displacement(map: PixelMap, { width, height }: Side): number {
  let most = 0
  for (const x of [0, (width - 1) / 2, width - 1]) {
    for (const y of [0, (height - 1) / 2, height - 1]) {
      const [u, v] = typeof map === 'function' ? map(x, y) : transform(map, x, y)
      most = Math.max(most, Math.hypot(u - x, v - y))
    }
  }
  return most
}

/** A map as an affine transformation, from 5 x 5 places of the frame. */
function affineOf(map: PixelMap, { width, height }: Side): Affine {
  if (typeof map !== 'function') return map
  const from = { x: new Float64Array(25), y: new Float64Array(25) }
  const to = { x: new Float64Array(25), y: new Float64Array(25) }
  for (let k = 0; k < 25; k++) {
    from.x[k] = ((k % 5) * (width - 1)) / 4
    from.y[k] = (Math.floor(k / 5) * (height - 1)) / 4
    ;[to.x[k], to.y[k]] = map(from.x[k]!, from.y[k]!)
  }
  return fitAffine({ from, to }).transform
}

/** The way back, by a few steps of Newton's method with the slope of the middle. */
function inverseOf(map: PixelMap, { width, height }: Side): (x: number, y: number) => readonly [number, number] {
  const at = (x: number, y: number) => (typeof map === 'function' ? map(x, y) : transform(map as Affine, x, y))
  const [cx, cy] = [width / 2, height / 2]
  const [u0, v0] = at(cx, cy)
  const [ux, vx] = at(cx + 1, cy)
  const [uy, vy] = at(cx, cy + 1)
  const [a, b, c, d] = [ux - u0, uy - u0, vx - v0, vy - v0]
  const determinant = a * d - b * c
  return (u, v) => {
    let [x, y] = [cx, cy]
    for (let step = 0; step < 8; step++) {
      const [gu, gv] = at(x, y)
      const [du, dv] = [u - gu, v - gv]
      x += (d * du - b * dv) / determinant
      y += (a * dv - c * du) / determinant
    }
    return [x, y]
  }
}

/** Bits of either frame, those of the reference grown by what the kernel spreads. */
export function joinedMask(fresh: Int16Array, reference: Int16Array, width: number, radius: number): Int16Array {
  const mask = fresh.slice()
  const height = mask.length / width
  const reach = Math.ceil(radius)
  for (let p = 0; p < reference.length; p++) {
    const bits = reference[p]! & (UNUSABLE | MaskBit.interpolated | MaskBit.lowResponse)
    if (bits === 0) continue
    const x = p % width
    const y = (p - x) / width
    for (let v = Math.max(0, y - reach); v <= Math.min(height - 1, y + reach); v++) {
      const half = Math.floor(Math.sqrt(Math.max(0, radius * radius - (v - y) ** 2)))
      for (let u = Math.max(0, x - half); u <= Math.min(width - 1, x + half); u++) mask[v * width + u]! |= bits
    }
  }
  return mask
}
