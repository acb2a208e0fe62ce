import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import type { SpectralFrame } from './group-work.js'
import type { LitTrace } from './lit-traces.js'

/** Rows beyond those used that are looked at too: between orders the frame shows its noise without their light. */
const BEYOND = 3

/**
 * The variance that pixels about traces have without their light (read-out, what scattered light was subtracted, dark), for
 * each trace and block of `block` columns: the lowest of the medians of the rows about it. An error of its own is not believed
 * for each pixel, for part of it comes from the pixel's own value, and weights that follow the noise bias the flux.
 */
export function darkVariances(
  { width, height, error }: SpectralFrame,
  traces: readonly LitTrace[],
  half: number,
  block: number,
  readVariance: number,
): Float64Array[] {
  const blocks = Math.ceil(width / block)
  const out = traces.map(() => new Float64Array(blocks).fill(readVariance))
  if (!error || traces.length === 0) return out
  scoped(() => {
    const { traceFrame, quietVariance } = kernels()
    traceFrame(0, 0, width, height)
    const errors = lent(error).byteOffset
    const [centres, scratch] = [allocate(Float64Array, width), allocate(Float64Array, block)]
    traces.forEach(({ y }, k) => {
      centres.set(y)
      for (let b = 0; b < blocks; b++) {
        const columns = [b * block, Math.min(width, (b + 1) * block)] as const
        const far = Math.ceil(half) + BEYOND
        const least = quietVariance(centres.byteOffset, ...columns, errors, far, scratch.byteOffset)
        if (Number.isFinite(least)) out[k]![b] = least
      }
    })
  })
  return out
}
