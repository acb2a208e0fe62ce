import type { Tools } from '@nightpipe/command'
import {
  type AlardRowInput,
  type DifferencePlanes,
  kernelSum,
  MaskBit,
  type Tile,
  type TilePsfs,
  type TileRowInput,
  tileRows,
  type ZogyRowInput,
} from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { nearestWithin } from '@nightpipe/registration'
import { goodStars } from '@nightpipe/stars'
import { agreeingSpreads, kernelIfAny } from './agreeing-spreads.js'
import { takeOffHalos } from './halos.js'
import { type Imperfection, measureImperfection, withImperfection } from './imperfection.js'
import { takeOffCommon } from './left-in-common.js'
import { type Match, matchKernel, type Reference, type Seeing } from './match-kernel.js'
import { judgeNoise } from './noise.js'
import { pointSpread, widthOf } from './profile.js'
import type { Registered } from './register.js'
import type { SubtractionSchema } from './schema.js'
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
  /** The kernel, also that which the point spreads of proper subtraction agree by. */
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
  reference: Reference,
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
  const match = await (alard ? matchKernel : kernelIfAny)(fresh, reference, seeing, tools)
  const rows = tileRows(width, height, psfHalf + (match ? match.basis.half : psfHalf) + 12)
  const planes = emptyPlanes(width * height)
  const common = (tiles: Tile[]): TileRowInput => ({
    ...{ width, height, tiles, blank, planes, fresh: fresh.net, reference: reference.net },
    ...{ freshVariance: fresh.variance, referenceVariance: reference.variance, noise: reference.noise },
  })
  const spread = spreads(fresh, reference, psfHalf)
  const ratio = match ? kernelRatio(match, width, height) : fluxRatio(fresh, reference)
  const spreadsAt = match
    ? agreeingSpreads(match, spread)
    : (tile: Tile) => ({ fresh: spread('fresh', tile), reference: spread('reference', tile), ratio: 1 / ratio })
  const inputOf = (tiles: Tile[]): AlardRowInput | ZogyRowInput => {
    if (!alard || !match) return { ...common(tiles), method: 'zogy', psfs: tiles.map(spreadsAt) }
    const broad = match.convolved === 'reference' ? 'fresh' : 'reference'
    const psfs = tiles.map((tile) => ({ values: spread(broad, tile) }))
    const { decorrelate } = config.subtraction
    return { ...common(tiles), method: 'alard', psfs, model: match.model, convolved: match.convolved, decorrelate }
  }
  const tasks = shares(rows, tools.workers)
  const made = await tools.map<AlardRowInput | ZogyRowInput, TilePsfs>('tiles', tasks.map(inputOf))
  const columns = rows[0]!.length
  const psfs = made.flat()
  const noise = await judgeNoise(
    { planes, blank, width, height, noise: config.noise, normalise: config.subtraction.normalise },
    tools,
  )
  takeOffCommon(planes, blank, { fresh, reference, ratio, seeing: seeing.fresh })
  takeOffHalos(planes, blank, { fresh, reference, ratio, seeing: seeing.fresh })
  const measured = measureImperfection(planes, blank, { fresh, reference }, seeing.fresh, config)
  const least = config.subtraction['flux noise'] === undefined ? (reference.fluxScatter ?? 0) : 0
  const imperfection = { ...measured, relative: Math.max(measured.relative, least) }
  withImperfection(planes, imperfection, fresh)
  forgetUnseen(planes, mask)
  const psfAt = (x: number, y: number) => {
    const j = rows.findIndex((row) => y < row[0]!.net.y1)
    const i = rows[0]!.findIndex((tile) => x < tile.net.x1)
    return psfs[(j < 0 ? rows.length - 1 : j) * columns + (i < 0 ? columns - 1 : i)]!
  }
  return { width, height, ...planes, psfAt, psfHalf, match, ratio, ...noise, imperfection, seeing }
}

/** Rows of tiles as tasks; those left over when each thread has had as many as the others are cut up among all. */
function shares(rows: Tile[][], workers: number): Tile[][] {
  const whole = rows.length - (rows.length % workers)
  const rest = rows.slice(whole).flatMap((row) => {
    const some = Math.ceil(row.length / workers)
    return Array.from({ length: Math.ceil(row.length / some) }, (_, k) => row.slice(k * some, (k + 1) * some))
  })
  return [...rows.slice(0, whole), ...rest]
}

/** Stars that the point spread is taken from. */
interface Chosen {
  x: ArrayLike<number>
  y: ArrayLike<number>
  good: number[]
}

export function starsOf({ found: { stars } }: Pick<Side, 'found'>): Chosen {
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
