import type { Tools } from '@nightpipe/command'
import {
  type AlardRowInput,
  backgroundMesh,
  type DifferencePlanes,
  kernelSum,
  MaskBit,
  type Tile,
  type TilePsfs,
  type TileRowInput,
  tileRows,
  type ZogyRowInput,
} from '@nightpipe/image'
import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import { nearestWithin } from '@nightpipe/registration'
import { goodStars } from '@nightpipe/stars'
import { type Imperfection, measureImperfection, withImperfection } from './imperfection.js'
import { type Match, matchKernel, type Seeing } from './match-kernel.js'
import { pointSpread, widthOf } from './profile.js'
import type { Registered } from './register.js'
import type { SubtractionConfig, SubtractionSchema } from './schema.js'
import { sharedPlane } from './shared.js'
import { flagged, type Side, UNUSABLE } from './side.js'

/** New minus reference, with all that belongs to each pixel. In the unit of the new frame. */
export interface Difference {
  width: number
  height: number
  difference: Float32Array
  error: Float32Array
  score: Float32Array
  fluxError: Float32Array
  starFlux: Float32Array
  /** Point spread in the difference at a pixel: (2 half + 1)² values, for a source of flux 1. */
  psfAt(x: number, y: number): Float64Array
  psfHalf: number
  match?: Match
  /** Flux in the new frame over flux in the reference, in the middle. */
  ratio: number
  /** Noise of the difference over what the errors say, before it was normalised; likewise of the score. */
  noiseRatio: number
  scoreSigma: number
  imperfection: Imperfection
  seeing: Seeing
}

/** Subtracts, filters, and gives the score its statistics. `mask` is that of the difference. */
export async function makeDifference(
  fresh: Side,
  reference: Registered,
  mask: Int16Array,
  tools: Tools<SubtractionSchema>,
): Promise<Difference> {
  const { config } = tools
  const { width, height } = fresh
  const seeing = {
    fresh: seeingOf(fresh.net, fresh, starsOf(fresh)),
    reference: seeingOf(reference.net, fresh, wholeStars(reference)),
  }
  const psfHalf = Math.min(20, Math.max(6, Math.ceil(2.5 * Math.max(seeing.fresh, seeing.reference))))
  const blank = flagged(mask, UNUSABLE)
  const alard = config.subtraction.method === 'alard'
  const match = alard ? await matchKernel(fresh, reference, seeing, tools) : undefined
  const rows = tileRows(width, height, psfHalf + (match ? match.basis.half : psfHalf) + 12)
  const planes = emptyPlanes(width * height)
  const common = (tiles: Tile[]): TileRowInput => ({
    ...{ width, height, tiles, blank, planes, fresh: fresh.net, reference: reference.net },
    ...{ freshVariance: fresh.variance, referenceVariance: reference.variance },
  })
  const spread = spreads(fresh, reference, psfHalf)
  const ratio = match ? kernelRatio(match, width, height) : fluxRatio(fresh, reference)
  const inputOf = (tiles: Tile[]): AlardRowInput | ZogyRowInput => {
    if (!match) {
      const psfs = tiles.map((tile) => ({ fresh: spread('fresh', tile), reference: spread('reference', tile) }))
      return { ...common(tiles), method: 'zogy', psfs, ratio: 1 / ratio }
    }
    const broad = match.convolved === 'reference' ? 'fresh' : 'reference'
    const psfs = tiles.map((tile) => ({ values: spread(broad, tile) }))
    const { decorrelate } = config.subtraction
    return { ...common(tiles), method: 'alard', psfs, model: match.model, convolved: match.convolved, decorrelate }
  }
  const psfs = await tools.map<AlardRowInput | ZogyRowInput, TilePsfs>('tiles', rows.map(inputOf))
  const noise = judgeNoise(planes, blank, width, height, config)
  const imperfection = measureImperfection(planes, fresh, seeing.fresh, config)
  withImperfection(planes, imperfection, fresh)
  forgetUnseen(planes, mask)
  const psfAt = (x: number, y: number) => {
    const j = rows.findIndex((row) => y < row[0]!.net.y1)
    const i = rows[0]!.findIndex((tile) => x < tile.net.x1)
    return psfs[j < 0 ? rows.length - 1 : j]![i < 0 ? rows[0]!.length - 1 : i]!
  }
  return { width, height, ...planes, psfAt, psfHalf, match, ratio, ...noise, imperfection, seeing }
}

/** Stars that the point spread is taken from. */
interface Chosen {
  x: ArrayLike<number>
  y: ArrayLike<number>
  good: number[]
}

function starsOf({ found: { stars } }: Side): Chosen {
  return { x: stars.x, y: stars.y, good: [...goodStars(stars)].sort((i, j) => stars.flux[j]! - stars.flux[i]!) }
}

function wholeStars({ stars }: Registered): Chosen {
  return { x: stars.x, y: stars.y, good: stars.good }
}

/** FWHM of the point spread; seen first in a wide window, then in one that fits it. */
function seeingOf(pixels: Float32Array, { width, height }: Side, { x, y, good }: Chosen): number {
  if (good.length === 0) return 3
  const once = (half: number) => widthOf(pointSpread({ pixels, width, height }, { x, y }, good, half))
  const rough = once(12)
  return once(Math.min(20, Math.max(6, Math.ceil(2.5 * rough))))
}

/** The point spread of either frame in the middle of a tile. */
function spreads(fresh: Side, reference: Registered, half: number) {
  const { width, height } = fresh
  const chosen = { fresh: starsOf(fresh), reference: wholeStars(reference) }
  return (which: 'fresh' | 'reference', { net }: Tile) => {
    const place = [(net.x0 + net.x1) / 2, (net.y0 + net.y1) / 2] as const
    const image = { pixels: which === 'fresh' ? fresh.net : reference.net, width, height }
    return pointSpread(image, chosen[which], chosen[which].good, half, place)
  }
}

/** New over reference. */
function kernelRatio({ model, convolved }: Match, width: number, height: number): number {
  const sum = kernelSum(model, width / 2, height / 2)
  return convolved === 'reference' ? sum : 1 / sum
}

function fluxRatio(fresh: Side, { stars }: Registered): number {
  const mine = fresh.found.stars
  const pairs = nearestWithin(mine, stars, 1.5).filter(([i, j]) => {
    const clean = ((mine.flags[i]! | stars.flags[j]!) & (4 | 8 | 256)) === 0
    return clean && mine.flux[i]! > 30 * mine.fluxError[i]! && stars.signal[j]! > 30
  })
  return pairs.length > 0 ? medianOf(pairs.map(([i, j]) => mine.flux[i]! / stars.flux[j]!)) : 1
}

export type Planes = DifferencePlanes

/** Where one of the frames has no pixel there is no difference. */
function forgetUnseen(planes: Planes, mask: Int16Array): void {
  for (let p = 0; p < mask.length; p++) {
    if ((mask[p]! & MaskBit.noData) === 0) continue
    planes.difference[p] = planes.error[p] = planes.score[p] = planes.fluxError[p] = Number.NaN
  }
}

function emptyPlanes(n: number): Planes {
  const plane = () => sharedPlane(Float32Array, n)
  return { difference: plane(), error: plane(), score: plane(), fluxError: plane(), starFlux: plane() }
}

/**
 * Takes off what sky is left, and compares the noise with the errors: where the score scatters by more or less than 1,
 * it is divided by its scatter and the errors multiplied, mesh by mesh, when that is asked for.
 */
function judgeNoise(planes: Planes, blank: Uint8Array, width: number, height: number, config: SubtractionConfig) {
  const mask = Int16Array.from(blank)
  const mesh = 2 * config.noise.mesh
  const { difference, error, score, fluxError } = planes
  const level = backgroundMesh(difference, width, height, { mesh: config.noise.mesh, mask, filter: 3 }).expand()
  for (let p = 0; p < level.length; p++) difference[p]! -= level[p]!
  const pulls = sample(difference.length, (p) =>
    blank[p] === 0 && error[p]! > 0 ? difference[p]! / error[p]! : Number.NaN,
  )
  const scores = backgroundMesh(score, width, height, { mesh, mask, filter: 3 })
  const offset = backgroundMesh(score, width, height, { mesh: config.noise.mesh, mask, filter: 3 }).expand(level)
  for (let p = 0; p < score.length; p++) score[p]! -= offset[p]!
  const normalise = config.subtraction.normalise
  const scatter = normalise ? scores.expandRms(level) : level.fill(0)
  for (let p = 0; p < score.length; p++) {
    if (scatter[p]! > 0.2) {
      score[p]! /= scatter[p]!
      fluxError[p]! *= scatter[p]!
    }
  }
  const noiseRatio = MAD_TO_SIGMA * mad(pulls)
  if (normalise && noiseRatio > 0) for (let p = 0; p < error.length; p++) error[p]! *= noiseRatio
  return { noiseRatio, scoreSigma: medianOf(scores.rms) }
}

/** Some 200 000 values, evenly. */
function sample(n: number, at: (p: number) => number): Float64Array {
  const step = Math.max(1, Math.floor(n / 200_000)) | 1
  return Float64Array.from({ length: Math.ceil(n / step) }, (_, k) => at(k * step))
}
