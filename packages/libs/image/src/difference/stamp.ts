import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { convolveWithBasis, type KernelBasis, shapeCount } from './basis.js'

/** An image with its variances, and where it must not be looked at. */
export interface WeighedImage {
  width: number
  height: number
  pixels: Float32Array
  variance: Float32Array
  /** Not 0 where a pixel is bad. */
  bad: Uint8Array
}

/**
 * What a stamp says about the kernel, with the kernel and the sky constant within it: the matrix and the right-hand side
 * of its normal equations. The unknowns are the shapes of the basis and the sky.
 */
export interface Stamp {
  x: number
  y: number
  unknowns: number
  matrix: Float64Array
  right: Float64Array
  /** Sum of the weighed squares of the data, and the number of pixels. */
  square: number
  pixels: number
  /** Sum over its pixels of the weight times the variance of the image that is convolved. */
  noise: number
}

/**
 * The normal equations of a stamp about a star: `sharp` convolved must become `broad`. Pixels that are bad in either
 * count for nothing; undefined when they are over a fifth, or the stamp reaches over the edge.
 */
export function stampAt(
  sharp: WeighedImage,
  broad: WeighedImage,
  basis: KernelBasis,
  cx: number,
  cy: number,
  halfStamp: number,
): Stamp | undefined {
  const reach = halfStamp + basis.half
  const { width, height } = broad
  if (cx < reach || cy < reach || cx + reach >= width || cy + reach >= height) return undefined
  return scoped(() => equationsOf(sharp, broad, basis, cx, cy, halfStamp))
}

function equationsOf(
  sharp: WeighedImage,
  broad: WeighedImage,
  basis: KernelBasis,
  cx: number,
  cy: number,
  halfStamp: number,
): Stamp | undefined {
  const { width } = broad
  const side = 2 * halfStamp + 1
  const reach = halfStamp + basis.half
  const wide = 2 * reach + 1
  const source = allocate(Float64Array, wide * wide)
  for (let y = 0; y < wide; y++) {
    const from = (cy - reach + y) * width + cx - reach
    for (let x = 0; x < wide; x++) source[y * wide + x] = sharp.pixels[from + x]
  }
  const area = side * side
  const data = allocate(Float64Array, area).fill(0)
  const weight = allocate(Float64Array, area).fill(0)
  let [good, noise] = [0, 0]
  for (let y = 0; y < side; y++) {
    const from = (cy - halfStamp + y) * width + cx - halfStamp
    for (let x = 0; x < side; x++) {
      if (broad.bad[from + x] !== 0 || sharp.bad[from + x] !== 0) continue
      data[y * side + x] = broad.pixels[from + x]
      weight[y * side + x] = 1 / (broad.variance[from + x] + sharp.variance[from + x])
      noise += weight[y * side + x] * sharp.variance[from + x]
      good++
    }
  }
  if (good < 0.8 * area) return undefined
  const shapes = shapeCount(basis)
  const images = allocate(Float64Array, (shapes + 1) * area)
  convolveWithBasis(source, side, basis, images)
  images.fill(1, shapes * area)
  return { x: cx, y: cy, pixels: good, noise, ...normalEquations(images, shapes + 1, data, weight) }
}

function normalEquations(images: Float64Array, unknowns: number, data: Float64Array, weight: Float64Array) {
  const n = data.length
  let square = 0
  for (let p = 0; p < n; p++) square += weight[p] * data[p] * data[p]
  const [matrix, right] = [allocate(Float64Array, unknowns * unknowns), allocate(Float64Array, unknowns)]
  kernels().stampEquations(
    ...([images.byteOffset, unknowns, data.byteOffset, weight.byteOffset, n] as const),
    ...([allocate(Float64Array, n).byteOffset, matrix.byteOffset, right.byteOffset] as const),
  )
  return { unknowns, matrix: matrix.slice(), right: right.slice(), square }
}

/** χ² of the stamp for these values of its unknowns. */
export function chiSquare({ matrix, right, square, unknowns }: Stamp, values: ArrayLike<number>): number {
  let chi = square
  for (let n = 0; n < unknowns; n++) {
    let sum = -2 * right[n]
    for (let m = 0; m < unknowns; m++) sum += matrix[n * unknowns + m] * values[m]
    chi += sum * values[n]
  }
  return chi
}
