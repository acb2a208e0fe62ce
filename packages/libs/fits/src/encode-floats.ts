import { inStrips, kernels, type Lent } from '@nightpipe/kernels'

const KERNEL = { 8: 'bytesFromFloats', 16: 'shortsFromFloats', 32: 'longsFromFloats' } as const

/**
 * Floats as the big-endian integers of the file, rounded to the nearest. Returns the place of the first pixel that does
 * not fit, or -1.
 */
export function encodeFloats(
  pixels: Float32Array,
  bitpix: keyof typeof KERNEL,
  { scale, zero, blank }: { scale: number; zero: number; blank: number | undefined },
  out: Uint8Array,
): number {
  const source: Lent = { array: pixels, use: 'read' }
  const target: Lent = { array: out, use: 'write', each: bitpix / 8 }
  const hasBlank = blank === undefined ? 0 : 1
  let misfit = -1
  inStrips([source, target], pixels.length, (start, count) => {
    if (misfit >= 0) return
    const [from, to] = [source.address ?? 0, target.address ?? 0]
    const found = kernels()[KERNEL[bitpix]](from, to, count, scale, zero, hasBlank, blank ?? 0)
    if (found >= 0) misfit = start + found
  })
  return misfit
}
