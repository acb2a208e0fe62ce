import { readIntegers, readPixels, type StripPlan, writeStrip } from '@nightpipe/fits'
import { MaskBit, type NoiseModel } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { Unreadable } from './examine.js'
import { type Flagged, flagPixels, type MaskRules } from './flag-pixels.js'
import { type Geometry, isCovered } from './geometry.js'
import type { Pedestal } from './overscan.js'
import { openMaster, type Source } from './source.js'
import { combineStack, type Held, rowsAtOnce } from './stack.js'

/** One frame on its way into a master: value = (pixel - pedestal - bias - darkScale * dark) * scale. */
export interface Plane {
  source: Source
  /** One for each amplifier. */
  pedestals: Pedestal[]
  darkScale: number
  scale: number
  weight: number
  /** Samples at or above it do not count, ADU as read. */
  saturation?: number
}

/** What all rows of a master have in common. */
export interface Recipe {
  plan: StripPlan
  type: string
  geometry: Geometry
  planes: Plane[]
  bias?: string
  dark?: string
  /** Of one frame, before `scale`, for each amplifier: what is clipped by, and what ERR is made of. */
  noise: NoiseModel[]
  /** Subtracted before the frames are combined, and added again: a level that has no noise of its own. */
  zero: number
  /** What frames may differ by besides noise, relative to the signal. */
  tolerance: number
  /** Flats of several amplifiers: the gain of each over their mean, as far as it is known. */
  gainRatio?: number[]
  method: 'clip' | 'median' | 'mean' | 'minmax'
  clip: number
  drop: number
  mask: MaskRules
  /** Bounds of the histogram from which the median is read. */
  histogram: { low: number; high: number }
  /** What the samples of one thread may take. */
  memoryBytes: number
}

export interface CombineArgs {
  recipe: Recipe
  /** Rows of the master that this call makes. */
  first: number
  rows: number
}

export const HISTOGRAM_BINS = 4096

export interface Combined {
  /** Parts of the checksums of the three planes. */
  sums: [number, number, number]
  /** Number of good pixels, sum and sum of squares of their distances from the middle of the histogram. */
  moments: [number, number, number]
  /** By how much more the good pixels add up to once their amplifiers are made even. */
  uneven: number
  histogram: Int32Array
  rejected: number
  counts: Flagged
}

/** Some rows of a master as they grow, in kernel memory. */
export interface Block {
  pixels: Float32Array
  error: Float32Array
  count: Int16Array
  bias?: Float32Array
  dark?: Float32Array
}

/** A frame that cannot be read to its end, by its place among the planes. */
export interface Broken extends Unreadable {
  plane: number
}

/**
 * Some rows of the master: read, unless they are `held`, calibrate, combine, judge, write. The same bytes whoever calls it and
 * in any order.
 */
export function combineRows({ recipe, first, rows }: CombineArgs, held?: Held): Combined | Broken {
  return scoped(() => {
    const n = rows * recipe.geometry.width
    const bias = parentRows(recipe.bias, first, rows, n)
    const dark = parentRows(recipe.dark, first, rows, n)
    const [pixels, error] = [allocate(Float32Array, n), allocate(Float32Array, n)]
    const block: Block = { pixels, error, count: allocate(Int16Array, n), bias: bias?.pixels, dark: dark?.pixels }
    if (!isCovered(recipe.geometry))
      for (const [k, plane] of [pixels, error, block.count].entries()) plane.fill(k < 2 ? Number.NaN : 0)
    const step = held ? rows : rowsAtOnce(recipe)
    for (let y = first; y < first + rows; y += step) {
      const broken = scoped(() => combineStack(recipe, block, first, y, Math.min(step, first + rows - y), held))
      if (broken) return broken
    }
    addParentErrors(error, recipe.planes, bias?.error, dark?.error)
    const mask = allocate(Int16Array, n)
    kernels().clearBytes(mask.byteOffset, mask.byteLength)
    for (const parent of [bias, dark]) inheritFlags(mask, parent?.mask)
    const { type, geometry, mask: rules } = recipe
    const strip = { type, pixels, error, count: block.count, columns: geometry.width, rules }
    const counts = flagPixels({ ...strip, variancePerUnit: perUnitOf(recipe) }, mask)
    if (recipe.zero !== 0) for (let p = 0; p < n; p++) pixels[p] += recipe.zero
    const sums = [pixels, error, mask].map((plane, k) => writeStrip(recipe.plan, k, first, plane))
    const uneven = recipe.gainRatio ? unevenness(pixels, mask, recipe.gainRatio, geometry, first) : 0
    return { counts, sums: sums as Combined['sums'], uneven, ...tally(block, mask, recipe) }
  })
}

/** Flats are so bright that their own noise does not matter to their errors. */
function perUnitOf({ type, noise, planes }: Recipe): number {
  if (type === 'flat' || type === 'bias' || type === 'lamp') return 0
  const scale = planes.reduce((sum, plane) => sum + plane.scale, 0) / planes.length
  return (scale * noise.reduce((sum, { variancePerUnit }) => sum + variancePerUnit, 0)) / noise.length
}

function unevenness(
  pixels: Float32Array,
  mask: Int16Array,
  gainRatio: readonly number[],
  { amplifiers, width }: Geometry,
  first: number,
): number {
  const last = first + pixels.length / width
  let total = 0
  for (const [k, { place }] of amplifiers.entries()) {
    let sum = 0
    for (let y = Math.max(first, place.y0); y < Math.min(last, place.y1); y++) {
      const row = (y - first) * width
      for (let p = row + place.x0; p < row + place.x1; p++) if (mask[p] === 0) sum += pixels[p]
    }
    total += (gainRatio[k] - 1) * sum
  }
  return total
}

function inheritFlags(mask: Int16Array, parent: Int16Array | undefined): void {
  if (parent) kernels().inheritFlags(mask.byteOffset, parent.byteOffset, MaskBit.bad | MaskBit.noData, mask.length)
}

interface ParentRows {
  pixels: Float32Array
  error?: Float32Array
  mask?: Int16Array
}

function parentRows(path: string | undefined, first: number, rows: number, n: number): ParentRows | undefined {
  if (!path) return undefined
  const range = { firstRow: first, rows, plane: 0 }
  const master = openMaster(path)
  const pixels = readPixels(master.image, { ...range, into: allocate(Float32Array, n) })
  const error = master.error && readPixels(master.error, { ...range, into: allocate(Float32Array, n) })
  const mask = master.mask && readIntegers(master.mask, { ...range, into: allocate(Int16Array, n) })
  return { pixels, error, mask }
}

/**
 * The errors of the masters that were subtracted from every frame do not average out: each adds its own, times the mean
 * factor with which it went in.
 */
function addParentErrors(
  error: Float32Array,
  planes: readonly Plane[],
  bias?: Float32Array,
  dark?: Float32Array,
): void {
  if (!bias && !dark) return
  const weights = planes.reduce((sum, { weight }) => sum + weight, 0)
  const mean = (factor: (plane: Plane) => number) =>
    planes.reduce((sum, plane) => sum + plane.weight * factor(plane), 0) / weights
  const address = (array: Float32Array | undefined) => array?.byteOffset ?? 0
  const [biasFactor, darkFactor] = [mean((p) => p.scale), mean((p) => p.scale * p.darkScale)]
  kernels().joinErrors(error.byteOffset, address(bias), biasFactor, address(dark), darkFactor, error.length)
}

function tally(
  { pixels, count }: Block,
  mask: Int16Array,
  { histogram: { low, high }, planes }: Recipe,
): Pick<Combined, 'moments' | 'histogram' | 'rejected'> {
  const histogram = allocate(Int32Array, HISTOGRAM_BINS).fill(0)
  const spare = allocate(Int32Array, 3 * HISTOGRAM_BINS)
  const sums = allocate(Float64Array, 4).fill(0)
  const perUnit = HISTOGRAM_BINS / (high - low)
  const [at, maskAt, countAt] = [pixels, mask, count].map((array) => array.byteOffset)
  const bins = [HISTOGRAM_BINS, histogram.byteOffset, spare.byteOffset, sums.byteOffset] as const
  kernels().tallyStrip(at, maskAt, countAt, pixels.length, (low + high) / 2, low, perUnit, ...bins)
  const rejected = planes.length * pixels.length - sums[3]
  return { moments: [sums[0], sums[1], sums[2]], histogram: new Int32Array(histogram), rejected }
}
