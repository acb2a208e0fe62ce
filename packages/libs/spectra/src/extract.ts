import { scoped } from '@nightpipe/kernels'
import { type LentFrame, lendFrame } from './clean-columns.js'
import { extractGroup } from './extract-group.js'
import { darkVariances } from './frame-noise.js'
import type { NoiseModel, SpectralFrame, TraceFlux } from './group-work.js'
import { dropSpikes, LEAST_SEEN } from './hit-columns.js'
import { groupTraces, type LitTrace, litTraces } from './lit-traces.js'
import { measureProfiles } from './measure-profiles.js'
import { weakColumns } from './odd-columns.js'
import { type ProfileTable, profileTable, reachOf } from './profile-table.js'
import { type OrderSpectrum, type Spectra, SpectrumBit } from './spectrum.js'
import type { Traces } from './traces.js'

export interface ExtractOptions extends NoiseModel {
  /** those that are lit; default all */
  fibres?: readonly number[]
  /** 'box': the sum of the rows, whatever the profile; pixels that are not believed have the value that the profile gives */
  method?: 'optimal' | 'box'
  /** default: those of the traces */
  rows?: number
  /** added to the centres of all traces, px */
  shift?: number
  /** default: those of the traces, or what the frame itself shows where they have none */
  profiles?: ProfileTable
  /** noise of the frame about traces, kept where the same frame and traces are extracted again; by order and fibre */
  dark?: Map<number, Float64Array>
}

/** The spectra of a frame, and what happened on the way. */
export interface Extraction extends Spectra {
  /** pixels that were not believed */
  rejected: number
  /** what was added to the centres, px */
  shift: number
  /** the unclipped results, in the order of `orders` */
  traces: readonly { trace: LitTrace; result: TraceFlux }[]
}

/** Columns that share an estimate of the noise between the orders. */
const NOISE_BLOCK = 256

/** Spectra of all lit fibres, each column of neighbouring orders solved at once. */
export function extractOrders(frame: SpectralFrame, traces: Traces, options: ExtractOptions): Extraction {
  return scoped(() => extractAll(frame, lendFrame(frame), traces, options))
}

function extractAll(frame: SpectralFrame, lent: LentFrame, traces: Traces, options: ExtractOptions): Extraction {
  const { width, height } = frame
  const { method = 'optimal', shift = 0 } = options
  const fibres = options.fibres ?? Array.from({ length: traces.fibres }, (_, k) => k)
  const half = (options.rows ?? traces.rows) / 2
  const lit = litTraces(traces, fibres, shift)
  const profiles = options.profiles ?? profileTable(traces) ?? measureProfiles(frame, traces, lit, options)
  const rejected = new Uint8Array(width * height)
  const done: { trace: LitTrace; result: TraceFlux }[] = []
  const quiet = darkOf(frame, lit, half, traces.fibres, options)
  for (const group of groupTraces(lit, reachOf(profiles) + half + 1)) {
    const dark = group.map((trace) => quiet.get(ownOf(trace, traces.fibres))!)
    const common = { frame, group, profiles, fibres: traces.fibres, half, method }
    const results = extractGroup({ ...common, noise: options, dark, darkBlock: NOISE_BLOCK, rejected, lent })
    group.forEach((trace, a) => {
      done.push({ trace, result: results[a]! })
    })
  }
  const weak = weakColumns(done) // groups come from the bottom up
  done.forEach((one, k) => {
    dropSpikes(one)
    one.result.weak = weak[k]!
  })
  done.sort((a, b) => a.trace.fibre - b.trace.fibre || a.trace.order - b.trace.order)
  const orders = done.map(({ trace, result }) => toSpectrum(trace, result, traces))
  return { width, orders, rejected: countOnes(rejected), shift, traces: done }
}

/** How many of these are 1: most of them, which are 0, are passed by eights. */
function countOnes(flags: Uint8Array): number {
  const eights = new Float64Array(flags.buffer, flags.byteOffset, flags.length >> 3)
  let count = 0
  for (let k = 0; k < eights.length; k++) {
    if (eights[k] === 0) continue
    for (let p = 8 * k; p < 8 * k + 8; p++) count += flags[p]!
  }
  for (let p = 8 * eights.length; p < flags.length; p++) count += flags[p]!
  return count
}

const ownOf = ({ order, fibre }: LitTrace, fibres: number) => order * fibres + fibre

/** The noise about the traces: measured, or as it was found before. */
function darkOf(
  frame: SpectralFrame,
  lit: readonly LitTrace[],
  half: number,
  fibres: number,
  { dark = new Map(), readVariance }: ExtractOptions,
): ReadonlyMap<number, Float64Array> {
  const fresh = lit.filter((trace) => !dark.has(ownOf(trace, fibres)))
  const found = darkVariances(frame, fresh, half, NOISE_BLOCK, readVariance)
  fresh.forEach((trace, k) => {
    dark.set(ownOf(trace, fibres), found[k]!)
  })
  return dark
}

/** A column of which more than this was told is not marked as hit. */
const UNHURT = 0.97

/** Fluxes with their mask; where too little was seen, the flux of the neighbours. */
function toSpectrum({ order, fibre, first, last }: LitTrace, result: TraceFlux, traces: Traces): OrderSpectrum {
  const { flux, error, seen, hits, saturated, weak } = result
  const mask = new Int32Array(flux.length)
  for (let x = 0; x < flux.length; x++) {
    if (x < first || x > last) {
      mask[x] = SpectrumBit.noData
      continue
    }
    // a hit far out in the wings costs nothing, and the column is as good as any
    if (hits[x]! > 0 && seen[x]! < UNHURT) mask[x]! |= SpectrumBit.cosmicRay
    if (weak[x]! > 0) mask[x]! |= SpectrumBit.lowResponse
    if (saturated[x]! > 0) mask[x]! |= SpectrumBit.saturated
    if (!(seen[x]! >= LEAST_SEEN) || !Number.isFinite(flux[x]!)) mask[x]! |= SpectrumBit.noData
  }
  const spectrum = {
    ...{ index: order, order: traces.firstOrder > 0 ? traces.firstOrder + traces.orderStep * order : 0, fibre },
    ...{ flux: flux.slice(), uncertainty: error.slice(), mask },
  }
  fillGaps(spectrum, first, last)
  return spectrum
}

/** Columns on either side whose scatter says how wrong a line between two of them may be. */
const AROUND = 6

/** Columns without data between columns with them get what lies on the line between; their error is that of not knowing. */
function fillGaps({ flux, uncertainty, mask }: OrderSpectrum, first: number, last: number): void {
  for (let x = first; x <= last; x++) {
    if ((mask[x]! & SpectrumBit.noData) === 0) continue
    let end = x
    while (end <= last && (mask[end]! & SpectrumBit.noData) !== 0) end++
    const [a, b] = [x - 1, end]
    const scatter = scatterOf(flux, mask, Math.max(first, a - AROUND), Math.min(last, b + AROUND))
    for (let k = x; k < end; k++) {
      flux[k] = Number.NaN
      uncertainty[k] = Number.NaN
      if (a < first || b > last) continue
      const t = (k - a) / (b - a)
      flux[k] = (1 - t) * flux[a]! + t * flux[b]!
      uncertainty[k] = Math.hypot(uncertainty[a]!, uncertainty[b]!, scatter)
      mask[k]! |= SpectrumBit.interpolated
    }
    x = end - 1
  }
}

/** The standard deviation of the fluxes of columns with data. */
function scatterOf(flux: Float64Array, mask: Int32Array, from: number, to: number): number {
  let [n, sum, squares] = [0, 0, 0]
  for (let x = from; x <= to; x++) {
    if ((mask[x]! & SpectrumBit.noData) !== 0) continue
    n++
    sum += flux[x]!
    squares += flux[x]! ** 2
  }
  return n > 1 ? Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2)) : 0
}
