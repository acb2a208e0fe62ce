import { MaskBit } from '@nightpipe/image'
import { besideHits } from './beside-hit.js'
import type { Candidate } from './candidates.js'
import { darknessOf } from './darkness.js'
import type { Difference } from './difference.js'
import { isOnFaintTrail } from './faint-trails.js'
import { movedSpread } from './moved-spread.js'
import { needlesOf } from './needle.js'
import type { Registered } from './register.js'
import type { SubtractionConfig } from './schema.js'
import { seamsOf } from './seams.js'
import { type Side, UNUSABLE } from './side.js'
import { isTrack, type Signal } from './track.js'
import { brightTrails, isOnTrail } from './trails.js'
import { type Lights, scatterBeside } from './what-stars-leave.js'

/** Why a candidate is not believed. */
export type Reason =
  | ('edge' | 'masked' | 'saturated' | 'dipole' | 'residual' | 'cosmic ray')
  | ('shape' | 'seam' | 'trail' | 'dark')

export interface Vetted extends Candidate {
  reasons: Reason[]
  /** Reduced chi² against the point spread. */
  chi: number
  /** Light in the brightest pixel over what the point spread has there. */
  sharpness: number
  /** Part of the point spread that falls on masked pixels. */
  masked: number
  /** Deepest opposite score nearby over the score. */
  depth: number
  /** Star at its place in the reference: its flux (unit of the new frame) and distance, px; NaN for none. */
  hostFlux: number
  hostDistance: number
  /** new: nothing was there; variable: a star was; faded: it became fainter. */
  kind: 'new' | 'variable' | 'faded'
}

export interface Scene {
  difference: Difference
  fresh: Side
  reference: Registered
  /** The reference on its own grid. */
  there: Side
  mask: Int16Array
  config: SubtractionConfig
}

/** Looks at each candidate as a person would. */
export function vet(candidates: readonly Candidate[], scene: Scene): Vetted[] {
  const saturated = saturatedPlaces(scene)
  const lights = lightsOf(scene)
  const trails = brightTrails(scene)
  const onBright = isOnTrail(trails, scene.difference)
  const onFaint = isOnFaintTrail(scene, trails, scene.config.candidates.threshold)
  const tests = {
    ...{ isNeedle: needlesOf(scene), isBesideHit: besideHits(scene), isSeam: seamsOf(scene) },
    ...{ onTrail: (one: Candidate) => onBright(one) || onFaint(one), isDark: darknessOf(scene) },
  }
  return candidates.map((candidate) => judge(candidate, scene, { saturated, lights, ...tests }))
}

/** What is made of a scene once. */
interface Known {
  saturated: readonly Disc[]
  lights: readonly Lights[]
  isNeedle: (candidate: Candidate) => boolean
  isBesideHit: (candidate: Candidate) => boolean
  isSeam: (candidate: Candidate) => boolean
  onTrail: (candidate: Candidate) => boolean
  isDark: (candidate: Candidate) => boolean
}

function judge(candidate: Candidate, scene: Scene, known: Known): Vetted {
  const { difference, config } = scene
  const { saturated, lights, isNeedle, isBesideHit, isSeam, onTrail, isDark } = known
  const { candidates } = config
  const shape = fitShape(candidate, scene)
  const depth = oppositeDepth(candidate, difference)
  const host = hostOf(candidate, scene)
  const reasons: Reason[] = []
  const fwhm = difference.seeing.fresh
  const margin = candidates.edge || Math.ceil(fwhm / 2) + 1
  const { x, y } = candidate
  const outside = x < margin || y < margin || x > difference.width - 1 - margin || y > difference.height - 1 - margin
  if (outside || shape.noData > 0.1) reasons.push('edge')
  if (shape.masked > 0.15) reasons.push('masked')
  const reach = candidates.saturated * fwhm
  if (saturated.some((disc) => Math.hypot(disc.x - x, disc.y - y) < disc.radius + reach)) reasons.push('saturated')
  if (depth > candidates.dipole) reasons.push('dipole')
  if (Math.abs(candidate.flux) < candidates.residual * host.brightest) reasons.push('residual')
  if (isSeam(candidate)) reasons.push('seam')
  if (onTrail(candidate)) reasons.push('trail')
  if (isDark(candidate)) reasons.push('dark')
  if (shape.needle || isNeedle(candidate) || isBesideHit(candidate)) reasons.push('cosmic ray')
  // the point spread is known to a few per cent: with much light even a good source shows it
  const allowed = candidates.chi * (1 + (0.04 * shape.peakSignal) ** 2)
  // where the point spread itself finds another flux, the matched filter has seen something wider
  const share = shape.flux / candidate.flux
  const stray = shape.furthest > STRAY + 0.2 * shape.peakSignal
  if (stray || shape.chi > allowed || share < 0.5 || share > 2 || !Number.isFinite(share)) reasons.push('shape')
  if (reasons.length === 0 && isLeft(candidate, scene, lights)) reasons.push('residual')
  const kind = candidate.flux < 0 ? 'faded' : Number.isFinite(host.distance) ? 'variable' : 'new'
  const { chi, sharpness, masked } = shape
  return {
    ...candidate,
    reasons,
    chi,
    sharpness,
    masked,
    depth,
    hostFlux: host.flux,
    hostDistance: host.distance,
    kind,
  }
}

/** What stars leave there reaches as high. */
const isLeft = (candidate: Candidate, { difference, mask, config }: Scene, lights: readonly Lights[]): boolean =>
  Math.abs(candidate.score) < config.candidates.threshold * scatterBeside(candidate, difference, mask, lights)

/** The stars of both frames: some are seen in one of them only. */
function lightsOf({ fresh: { found }, reference: { stars }, difference: { ratio } }: Scene): Lights[] {
  const flux = stars.flux.map((value) => value * ratio)
  return [
    { x: found.stars.x, y: found.stars.y, flux: found.stars.flux },
    { x: stars.x, y: stars.y, flux },
  ]
}

/** No pixel of a source is so many sigma off the point spread, when it is faint. */
const STRAY = 5

/** The point spread fitted to the difference, and to a single pixel. */
function fitShape(candidate: Candidate, { difference: d, mask }: Scene) {
  const { width, height, psfHalf: half } = d
  const [cx, cy] = [Math.round(candidate.x), Math.round(candidate.y)]
  const psf = movedSpread(d.psfAt(cx, cy), half, candidate.x - cx, candidate.y - cy)
  const reach = Math.min(half, Math.max(2, Math.round(1.2 * d.seeing.fresh)))
  let [pp, pd, total, bad, none] = [0, 0, 0, 0, 0]
  const used: [p: number, weight: number][] = []
  const side = 2 * half + 1
  for (let v = -reach; v <= reach; v++) {
    for (let u = -reach; u <= reach; u++) {
      const weight = psf[(v + half) * side + u + half]!
      total += Math.max(0, weight)
      const [x, y] = [cx + u, cy + v]
      const inside = x >= 0 && y >= 0 && x < width && y < height
      const p = y * width + x
      if (!inside || (mask[p]! & MaskBit.noData) !== 0) none += Math.max(0, weight)
      else if ((mask[p]! & (UNUSABLE | MaskBit.interpolated)) !== 0) bad += Math.max(0, weight)
      if (!inside || (mask[p]! & UNUSABLE) !== 0 || !(d.error[p]! > 0)) continue
      used.push([p, weight])
      pp += (weight / d.error[p]!) ** 2
      pd += (weight * d.difference[p]!) / d.error[p]! ** 2
    }
  }
  const flux = pp > 0 ? pd / pp : 0
  let [chi, brightest, peakWeight, peakSignal] = [0, 0, 0, 0]
  let [strongest, furthest] = [0, 0]
  for (const [p, weight] of used) {
    const sigma = d.error[p]!
    const off = (d.difference[p]! - flux * weight) / sigma
    chi += off * off
    furthest = Math.max(furthest, Math.abs(off))
    peakSignal = Math.max(peakSignal, Math.abs(flux * weight) / sigma)
    if (Math.sign(flux) * d.difference[p]! > brightest) {
      brightest = Math.sign(flux) * d.difference[p]!
      peakWeight = weight
      strongest = d.difference[p]! / sigma
    }
  }
  const sharpness =
    Math.abs(flux) * peakWeight > 0 ? brightest / (Math.abs(flux) * peakWeight) : Number.POSITIVE_INFINITY
  return {
    ...{ chi: used.length > 1 ? chi / (used.length - 1) : Number.POSITIVE_INFINITY, sharpness, peakSignal, flux },
    furthest,
    ...{ masked: (bad + none) / total, noData: none / total },
    // one pixel alone explains more than the point spread does, or a few of a track do
    needle:
      (sharpness > 1.5 && strongest ** 2 > (0.9 * pd * pd) / pp) ||
      isTrackIn(signalsOf(used, d, flux, cy * width + cx), candidate),
  }
}

/**
 * What pixels have of the light of a candidate, in sigma: where the score counts more than noise, as near to bright stars,
 * a pixel has that error too.
 */
const signalsOf = (
  used: readonly [p: number, weight: number][],
  d: Difference,
  flux: number,
  grain: number,
): Signal[] =>
  used.map(([p, weight]) => {
    const sigma = Math.max(d.error[p]!, grain * d.fluxError[p]!)
    return {
      ...{ x: p % d.width, y: Math.floor(p / d.width) },
      value: (Math.sign(flux) * d.difference[p]!) / sigma,
      expected: (Math.abs(flux) * weight) / sigma,
    }
  })

function isTrackIn(signals: readonly Signal[], centre: Candidate): boolean {
  let [product, square] = [0, 0]
  for (const { value, expected } of signals) {
    product += value * expected
    square += expected * expected
  }
  return square > 0 && isTrack(signals, centre, (product * product) / square)
}

/** How deep the score goes to the other side within one and a half seeing discs. */
function oppositeDepth({ x, y, score }: Candidate, { width, height, score: plane, seeing }: Difference): number {
  const reach = Math.ceil(1.5 * seeing.fresh)
  let deepest = 0
  for (let v = Math.max(0, Math.round(y) - reach); v <= Math.min(height - 1, Math.round(y) + reach); v++) {
    for (let u = Math.max(0, Math.round(x) - reach); u <= Math.min(width - 1, Math.round(x) + reach); u++) {
      if ((u - x) ** 2 + (v - y) ** 2 <= reach * reach)
        deepest = Math.max(deepest, -Math.sign(score) * plane[v * width + u]!)
    }
  }
  // what noise alone reaches is not counted
  return Math.max(0, deepest - 4) / Math.abs(score)
}

/** The star of the reference at the place of a candidate, and the brightest light of a star there. */
function hostOf({ x, y }: Candidate, { difference, reference }: Scene) {
  const { stars } = reference
  const near = Math.max(1.5, difference.seeing.fresh / 2)
  let [flux, distance] = [Number.NaN, Number.NaN]
  for (let i = 0; i < stars.x.length; i++) {
    const away = Math.hypot(stars.x[i]! - x, stars.y[i]! - y)
    if (away > near || away >= (distance || Infinity)) continue
    distance = away
    flux = stars.flux[i]! * difference.ratio
  }
  const p = Math.round(y) * difference.width + Math.round(x)
  return { flux, distance, brightest: Math.max(0, flux || 0, difference.starFlux[p] ?? 0) }
}

interface Disc {
  x: number
  y: number
  radius: number
}

/** Saturated stars of either frame as discs about them. */
export function saturatedPlaces({ mask, difference: { width } }: Pick<Scene, 'mask' | 'difference'>): Disc[] {
  const height = mask.length / width
  const seen = new Uint8Array(mask.length)
  const discs: Disc[] = []
  // what is full in a bad column or a hot pixel is no star
  const isFull = (p: number) => (mask[p]! & (MaskBit.saturated | MaskBit.bad)) === MaskBit.saturated
  for (let p = 0; p < mask.length; p++) {
    if (!isFull(p) || seen[p] !== 0) continue
    const stack = [p]
    seen[p] = 1
    let [count, sx, sy] = [0, 0, 0]
    const visit = (q: number) => {
      if (seen[q] !== 0 || !isFull(q)) return
      seen[q] = 1
      stack.push(q)
    }
    while (stack.length > 0) {
      const q = stack.pop()!
      const [x, y] = [q % width, Math.floor(q / width)]
      count++
      sx += x
      sy += y
      if (x > 0) visit(q - 1)
      if (x < width - 1) visit(q + 1)
      if (y > 0) visit(q - width)
      if (y < height - 1) visit(q + width)
    }
    discs.push({ x: sx / count, y: sy / count, radius: Math.sqrt(count / Math.PI) })
  }
  return discs
}
