/**
 * An image in memory: row-major, (0, 0) is the centre of the first pixel. What is known about each pixel travels with
 * it: `error` is one sigma in the unit of `pixels`, `mask` the bits of `MaskBit`. A bad value is NaN, or masked.
 */
export interface Frame {
  /** What messages call it: the file name without its folder. */
  name: string
  width: number
  height: number
  pixels: Float32Array
  error?: Float32Array
  mask?: Int16Array
}

/** The bits of a MASK plane, as they stand in files. */
export const MaskBit = { bad: 1, saturated: 2, cosmicRay: 4, noData: 8, interpolated: 16, lowResponse: 32 } as const
