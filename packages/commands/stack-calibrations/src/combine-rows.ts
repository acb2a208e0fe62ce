import { readIntegers, readPixels, type StripPlan, writeStrip } from '@nightpipe/fits'
import { combinePlanes, MaskBit, type NoiseModel, type Section } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { Pedestal } from './examine.js'
import { type Flagged, flagPixels, type MaskRules } from './flag-pixels.js'
import { openMaster, readRows, type Source } from './source.js'

/** One frame on its way into a master: value = (pixel - pedestal - bias - darkScale * dark) * scale. */
export interface Plane {
  source: Source
  pedestals: Pedestal[]
  darkScale: number
  scale: number
  saturation?: number
}

export interface CombineArgs {
  plan: StripPlan
  type: string
  planes: Plane[]
  width: number
  data: Section
  bias?: string
  dark?: string
  /** Of one frame, before `scale`: what is clipped by, and what ERR is made of. */
  noise: NoiseModel
  method: 'clip' | 'median' | 'mean' | 'minmax'
  clip: number
  drop: number
  mask: MaskRules
  /** Rows of the master that this call makes. */
  first: number
  rows: number
  /** Bounds of the histogram from which the median is read. */
  histogram: { low: number; high: number }
}

export const HISTOGRAM_BINS = 16384

export interface Combined {
  /** Parts of the checksums of the three planes. */
  sums: [number, number, number]
  /** Number of good pixels, sum and sum of squares of their distances from the middle of the histogram. */
  moments: [number, number, number]
  histogram: Uint32Array
  rejected: number
  counts: Flagged
}

/** Rows of which the samples fit into the processor's cache. */
const CACHE_BYTES = 1 << 22

/** A few rows of the master: read, calibrate, combine, judge, write. The same bytes whoever calls it and in any order. */
export function combineRows(args: CombineArgs): Combined {
  const columns = args.data.x1 - args.data.x0
  const result: Combined = {
    sums: [0, 0, 0],
    moments: [0, 0, 0],
    histogram: new Uint32Array(HISTOGRAM_BINS),
    rejected: 0,
    counts: { bad: 0, hot: 0, low: 0, noData: 0 },
  }
  const step = Math.max(1, Math.min(args.rows, Math.floor(CACHE_BYTES / (4 * columns * args.planes.length))))
  const end = args.first + args.rows
  for (let y = args.first; y < end; y += step)
    scoped(() => combineStrip(args, columns, y, Math.min(step, end - y), result))
  return result
}

function combineStrip(args: CombineArgs, columns: number, first: number, rows: number, result: Combined): void {
  const n = rows * columns
  const bias = parentRows(args.bias, first, rows, n)
  const dark = parentRows(args.dark, first, rows, n)
  const raw = allocate(Float32Array, rows * args.width)
  const samples = args.planes.map((plane) => {
    const into = allocate(Float32Array, n)
    readRows(plane.source, args.data.y0 + first, rows, raw)
    preparePlane(plane, args, raw, first, rows, bias?.pixels, dark?.pixels, into)
    return into
  })
  const out = { pixels: allocate(Float32Array, n), error: allocate(Float32Array, n), count: allocate(Int16Array, n) }
  const { method, clip, drop, noise } = args
  const scale = args.planes.map((plane) => plane.scale)
  combinePlanes(
    samples,
    {
      method: method === 'clip' ? 'sigma' : method,
      clipLow: clip,
      clipHigh: clip,
      noise,
      scale,
      lowest: drop,
      highest: drop,
    },
    out,
  )
  addParentErrors(out.error, args.planes, bias?.error, dark?.error)
  const mask = allocate(Int16Array, n).fill(0)
  for (const parent of [bias, dark]) inheritFlags(mask, parent?.mask)
  flagPixels({ type: args.type, pixels: out.pixels, count: out.count, columns, rules: args.mask }, mask, result.counts)
  tally(out.pixels, mask, args, result)
  for (let p = 0; p < n; p++) result.rejected -= out.count[p]
  result.rejected += n * args.planes.length
  const planes = [out.pixels, out.error, mask]
  for (const [k, plane] of planes.entries()) {
    result.sums[k] = joinSums(result.sums[k], writeStrip(args.plan, k, first, plane))
  }
}

function inheritFlags(mask: Int16Array, parent: Int16Array | undefined): void {
  if (parent) for (let p = 0; p < mask.length; p++) mask[p] |= parent[p] & (MaskBit.bad | MaskBit.noData)
}

/** 32-bit sums with the carry brought round, as FITS adds checksums up. */
export const joinSums = (a: number, b: number) => (a + b > 0xffffffff ? a + b - 0xffffffff : a + b)

interface ParentRows {
  pixels: Float32Array
  error?: Float32Array
  mask?: Int16Array
}

function parentRows(path: string | undefined, first: number, rows: number, n: number): ParentRows | undefined {
  if (!path) return undefined
  const range = { firstRow: first, rows }
  const master = openMaster(path)
  const pixels = readPixels(master.image, { ...range, into: allocate(Float32Array, n) })
  const error = master.error && readPixels(master.error, { ...range, into: allocate(Float32Array, n) })
  const mask = master.mask && readIntegers(master.mask, { ...range, into: new Int16Array(n) })
  return { pixels, error, mask: mask as Int16Array | undefined }
}

/** Each amplifier's part of the rows, from raw to calibrated. */
function preparePlane(
  plane: Plane,
  { data, width }: CombineArgs,
  raw: Float32Array,
  first: number,
  rows: number,
  bias: Float32Array | undefined,
  dark: Float32Array | undefined,
  into: Float32Array,
): void {
  const columns = data.x1 - data.x0
  const levels = allocate(Float32Array, rows)
  for (const { data: part, level, rows: byRow } of plane.pedestals) {
    const y0 = Math.max(first, part.y0 - data.y0)
    const y1 = Math.min(first + rows, part.y1 - data.y0)
    if (y1 <= y0) continue
    for (let y = y0; y < y1; y++) levels[y - y0] = byRow ? byRow[y + data.y0 - part.y0] : level
    const skip = 4 * ((y0 - first) * columns + part.x0 - data.x0)
    kernels().prepareStrip(
      raw.byteOffset + 4 * (y0 - first) * width,
      width,
      part.x0,
      part.x1 - part.x0,
      y1 - y0,
      columns,
      levels.byteOffset,
      bias ? bias.byteOffset + skip : 0,
      dark ? dark.byteOffset + skip : 0,
      plane.darkScale,
      1,
      plane.saturation ?? Number.POSITIVE_INFINITY,
      into.byteOffset + skip,
    )
  }
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
  const mean = (factor: (plane: Plane) => number) => planes.reduce((sum, p) => sum + factor(p), 0) / planes.length
  const biasFactor = mean((p) => p.scale)
  const darkFactor = mean((p) => p.scale * p.darkScale)
  const address = (array: Float32Array | undefined) => array?.byteOffset ?? 0
  kernels().joinErrors(error.byteOffset, address(bias), biasFactor, address(dark), darkFactor, error.length)
}

function tally(
  pixels: Float32Array,
  mask: Int16Array,
  { histogram: { low, high } }: CombineArgs,
  result: Combined,
): void {
  const histogram = allocate(Int32Array, HISTOGRAM_BINS).fill(0)
  const sums = allocate(Float64Array, 3).fill(0)
  const centre = (low + high) / 2
  const perUnit = HISTOGRAM_BINS / (high - low)
  const bins = [HISTOGRAM_BINS, histogram.byteOffset, sums.byteOffset] as const
  kernels().tallyStrip(pixels.byteOffset, mask.byteOffset, pixels.length, centre, low, perUnit, ...bins)
  for (let k = 0; k < 3; k++) result.moments[k] += sums[k]
  for (let b = 0; b < HISTOGRAM_BINS; b++) result.histogram[b] += histogram[b]
}
