import { allocate, kernels, lent } from '@nightpipe/kernels'
import type { GroupWork, NoiseModel, SpectralFrame, TraceFlux } from './group-work.js'
import type { LitTrace } from './lit-traces.js'
import { type ProfileTable, reachOf } from './profile-table.js'

/** A frame where kernels can work on it: addresses. Pixels as float32, masks as int16. */
export interface LentFrame {
  pixels: number
  mask: number
}

/** The frame in kernel memory; copied where it does not lie there yet. Call it within `scoped`. */
export function lendFrame({ width, height, pixels, mask }: SpectralFrame): LentFrame {
  const bits = mask instanceof Int16Array ? mask : mask ? Int16Array.from(mask) : undefined
  return {
    pixels: lent(pixels).byteOffset,
    mask: bits ? lent(bits).byteOffset : allocate(Int16Array, width * height).fill(0).byteOffset,
  }
}

/**
 * Part of the limits beyond which a pixel makes its column one to be looked at. Here the fit begins from the mean of all
 * pixels and not from their median, so that a pixel may pull the model towards itself by its leverage (a third, in a sharp
 * profile); and where something is found the whole column is done anew.
 */
const SUSPICIOUS = 0.65

/** Whether the kernel can do the columns of this group by themselves: traces that overlap with none. */
export const isAlone = ({ group, method, step = 1 }: GroupWork): boolean =>
  group.length === 1 && method === 'optimal' && step === 1

/**
 * Extracts the columns of a trace by the kernel, into `result`. Returns 1 for those in which a pixel is odd or cannot be used;
 * what stands there in `result` is not to be believed.
 */
export function extractCleanColumns(work: GroupWork, lent: LentFrame, result: TraceFlux): Uint8Array {
  const { frame, group, profiles, fibres, half, dark, darkBlock, noise } = work
  const { first, last } = group[0]!
  const { width, height } = frame
  const variance = allocate(Float32Array, dark[0]!.length)
  variance.set(dark[0]!)
  const [flux, error] = [allocate(Float32Array, width), allocate(Float32Array, width)]
  const odd = allocate(Uint8Array, width + 4).fill(0)
  const { traceFrame, traceNoise, extractTrace } = kernels()
  traceFrame(lent.pixels, lent.mask, width, height)
  traceNoise(...limitsOf(noise))
  const centres = lendTrace(group[0]!, profiles, fibres, half)
  const into = [flux.byteOffset, error.byteOffset, odd.byteOffset] as const
  extractTrace(centres, first, last, variance.byteOffset, darkBlock, ...into)
  result.flux.set(flux.subarray(first, last + 1), first)
  result.error.set(error.subarray(first, last + 1), first)
  result.seen.fill(1, first, last + 1)
  return odd.slice(0, width)
}

/** Tells the kernel the profile of a trace; returns where its centres lie. */
export function lendTrace(
  { y, order, fibre }: LitTrace,
  { samples, perRow, blocks, traces, values }: ProfileTable,
  fibres: number,
  half: number,
): number {
  const table = allocate(Float32Array, blocks * samples)
  for (let block = 0; block < blocks; block++) {
    const at = (block * traces + order * fibres + fibre) * samples
    table.set(values.subarray(at, at + samples), block * samples)
  }
  const centres = allocate(Float64Array, y.length)
  centres.set(y)
  const reach = reachOf({ samples, perRow })
  kernels().traceProfile(table.byteOffset, 4 * samples, blocks, samples, perRow, reach, half)
  return centres.byteOffset
}

const limitsOf = ({ perElectron, accuracy, blur = 0, high, low }: NoiseModel) =>
  [perElectron, accuracy, blur, SUSPICIOUS * high, SUSPICIOUS * low] as const
