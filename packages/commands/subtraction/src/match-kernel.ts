import { DataError, type Tools } from '@nightpipe/command'
import {
  fitKernel,
  type KernelBasis,
  type KernelFit,
  type SharedNoise,
  type Stamp,
  stampAt,
  type WeighedImage,
} from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { outsideTrails } from '@nightpipe/stars'
import type { Registered } from './register.js'
import type { SubtractionConfig, SubtractionSchema } from './schema.js'
import { flagged, type Side, UNUSABLE } from './side.js'

/** The kernel that makes the one image look like the other. */
export interface Match extends KernelFit {
  convolved: 'reference' | 'new'
  basis: KernelBasis
  /** Median reduced χ² of the stamps that were used. */
  quality: number
}

/** The reference on the grid of the new frame. */
export interface Reference extends Registered {
  noise: SharedNoise
}

/** Sigma of a Gaussian of this full width at half maximum. */
const sigmaOf = (fwhm: number) => fwhm / 2.3548

/** Fits the kernel, in the direction that is asked for. */
export async function matchKernel(fresh: Side, reference: Reference, seeing: Seeing, tools: SubtractionTools) {
  const wanted = tools.config.subtraction.convolve
  // a stack that the new frame is part of follows its noise: convolved, it is matched without bias, and the frame is not
  const sharper = seeing.reference <= seeing.fresh || reference.noise.share > 0 ? 'reference' : 'new'
  if (wanted !== 'both') return oneWay(fresh, reference, seeing, wanted === 'auto' ? sharper : wanted, tools)
  const one = await oneWay(fresh, reference, seeing, 'reference', tools)
  const other = await oneWay(fresh, reference, seeing, 'new', tools)
  return one.quality <= other.quality ? one : other
}

type SubtractionTools = Tools<SubtractionSchema>

export interface Seeing {
  fresh: number
  reference: number
}

async function oneWay(
  fresh: Side,
  reference: Reference,
  seeing: Seeing,
  convolved: 'reference' | 'new',
  tools: SubtractionTools,
): Promise<Match> {
  const { config } = tools
  const referenceIsSharp = convolved === 'reference'
  const [narrow, wide] = referenceIsSharp ? [seeing.reference, seeing.fresh] : [seeing.fresh, seeing.reference]
  const basis = basisFor(narrow, wide, config)
  const half = config.kernel.stamp || Math.max(basis.half, Math.ceil(2 * Math.max(narrow, wide)), 8)
  const image = (side: { net: Float32Array; variance: Float32Array; mask: Int16Array }): WeighedImage => ({
    ...{ width: fresh.width, height: fresh.height, pixels: side.net, variance: side.variance },
    bad: flagged(side.mask, UNUSABLE),
  })
  const [a, b] = [image(fresh), image(reference)]
  const [sharp, broad] = referenceIsSharp ? [b, a] : [a, b]
  const stamps = await firstStamps(places(fresh, reference, config, half / 2), { sharp, broad, basis, half }, tools)
  if (stamps.length === 0) {
    throw new DataError('no star is good enough to fit the kernel to', 'are gain, saturation and masks right?')
  }
  const fit = fitted(stamps, basis, fresh, config, reference.noise.share > 0)
  const quality = medianOf(fit.reduced.filter((_, s) => fit.used[s]))
  return { ...fit, convolved, basis, quality }
}

/** Places of which stamps are made, and what of: plain data for a thread. */
interface StampArgs {
  sharp: WeighedImage
  broad: WeighedImage
  basis: KernelBasis
  half: number
  places: [number, number][]
}

/** The stamps at some places; undefined where there is none. */
export const stampsAt = ({ sharp, broad, basis, half, places }: StampArgs): (Stamp | undefined)[] =>
  places.map(([x, y]) => stampAt(sharp, broad, basis, x, y, half))

/** Places for each task. */
const SOME = 20

/** As many stamps as are wanted, from the first places that have one. */
async function firstStamps(
  all: readonly [number, number][],
  common: Omit<StampArgs, 'places'>,
  { config, map }: SubtractionTools,
): Promise<Stamp[]> {
  const wanted = config.kernel.stamps
  const stamps: Stamp[] = []
  for (let done = 0; done < all.length && stamps.length < wanted; ) {
    const next = all.slice(done, done + wanted - stamps.length)
    const tasks = Array.from({ length: Math.ceil(next.length / SOME) }, (_, k) => ({
      ...{ ...common, places: next.slice(k * SOME, (k + 1) * SOME) },
    }))
    const found = await map<StampArgs, (Stamp | undefined)[]>('stamps', tasks)
    stamps.push(...found.flat().filter((stamp) => stamp !== undefined))
    done += next.length
  }
  return stamps
}

function fitted(
  stamps: readonly Stamp[],
  basis: KernelBasis,
  field: Side,
  { kernel }: SubtractionConfig,
  sharedNoise: boolean,
): KernelFit {
  try {
    return fitKernel(stamps, basis, field, {
      ...{ order: kernel.order, backgroundOrder: kernel.background, clip: kernel.clip },
      ...{ constantRatio: kernel['constant ratio'], smoothness: kernel.smoothness },
      sharedNoise,
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new DataError(
      `no kernel can be fitted to ${stamps.length} stamps: ${error.message}`,
      'lower [kernel] degrees',
    )
  }
}

/**
 * Gaussians of half, once and twice the width that is missing (the rule of hotpants), none narrower than pixels show, and
 * a wide one for the wings: without it bright stars leave rings.
 */
function basisFor(narrow: number, wide: number, { kernel }: SubtractionConfig): KernelBasis {
  const half = kernel.half || Math.min(24, Math.max(6, Math.ceil(3.3 * Math.max(wide, narrow))))
  if (kernel.basis === 'delta') return { kind: 'delta', half: kernel.half || Math.min(half, 7) }
  const missing = Math.sqrt(Math.max(0, sigmaOf(wide) ** 2 - sigmaOf(narrow) ** 2))
  const middle = Math.max(missing, 0.5 * sigmaOf(wide), 0.9)
  const usual = [Math.max(0.6, 0.5 * middle), middle, 2 * middle, 4 * middle]
  const sigmas = kernel.sigmas.length > 0 ? [...kernel.sigmas] : usual
  const degrees = sigmas.map((_, k) => kernel.degrees[Math.min(k, kernel.degrees.length - 1)] ?? 2)
  return { kind: 'gaussians', half, sigmas, degrees }
}

/** Cells in each direction from which stamps are taken in turn, so that they cover the field. */
const CELLS = 8
const SATURATED_OR_CUT = 4 | 8 | 256 | 512

/** Where stamps go: bright stars of either list that are whole in both frames, the brightest of each cell first. */
function places(fresh: Side, reference: Registered, { kernel }: SubtractionConfig, apart: number): [number, number][] {
  const cells: Place[][] = Array.from({ length: CELLS * CELLS }, () => [])
  const cell = (value: number, n: number) => Math.min(CELLS - 1, Math.max(0, Math.floor((CELLS * value) / n)))
  for (const place of brightPlaces(fresh, reference)) {
    const { x, y } = place
    if (touchesBad(reference.mask, fresh, x, y) || touchesBad(fresh.mask, fresh, x, y)) continue
    const mine = cells[cell(y, fresh.height) * CELLS + cell(x, fresh.width)]!
    if (!mine.some((other) => Math.hypot(other.x - x, other.y - y) < apart)) mine.push(place)
  }
  const list: [number, number][] = []
  for (let rank = 0; list.length < 2 * kernel.stamps; rank++) {
    const row = cells.flatMap((mine) => mine[rank] ?? [])
    if (row.length === 0) break
    for (const { x, y } of row) list.push([x, y])
  }
  return list
}

interface Place {
  x: number
  y: number
  signal: number
}

/** Stars of both lists by their significance; those of the sharper frame are more where the field is crowded. */
function brightPlaces({ found: { stars: own } }: Side, { stars: others }: Registered): Place[] {
  const isWhole = (flags: number) => (flags & SATURATED_OR_CUT) === 0
  const both = [
    ...someOf(own, (i) => (isWhole(own.flags[i]!) ? own.flux[i]! / own.fluxError[i]! : 0)),
    ...someOf(others, (i) => (isWhole(others.flags[i]!) ? others.signal[i]! : 0)),
  ]
  return both.sort((a, b) => b.signal - a.signal || a.y - b.y || a.x - b.x)
}

/** Places of the stars of a list that are bright enough, pieces of trails left out. */
function someOf(stars: { x: Float64Array; y: Float64Array }, signalOf: (i: number) => number): Place[] {
  const bright = Array.from(stars.x.keys()).filter((i) => signalOf(i) > LEAST_SIGNAL)
  return outsideTrails(stars, bright).map((i) => ({
    ...{ x: Math.round(stars.x[i]!), y: Math.round(stars.y[i]!) },
    signal: signalOf(i),
  }))
}

/** Stars below this tell little about a kernel, in sigma. */
const LEAST_SIGNAL = 15

function touchesBad(mask: Int16Array, { width, height }: Side, x: number, y: number): boolean {
  for (let v = Math.round(y) - 2; v <= y + 2; v++) {
    for (let u = Math.round(x) - 2; u <= x + 2; u++) {
      if (u < 0 || v < 0 || u >= width || v >= height || (mask[v * width + u]! & UNUSABLE) !== 0) return true
    }
  }
  return false
}
