import { convolveWithBasis, type KernelBasis } from './basis.js'

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
  const side = 2 * halfStamp + 1
  const reach = halfStamp + basis.half
  const { width, height } = broad
  if (cx < reach || cy < reach || cx + reach >= width || cy + reach >= height) return undefined
  const wide = 2 * reach + 1
  const source = new Float64Array(wide * wide)
  for (let y = 0; y < wide; y++) {
    const from = (cy - reach + y) * width + cx - reach
    for (let x = 0; x < wide; x++) source[y * wide + x] = sharp.pixels[from + x]
  }
  const data = new Float64Array(side * side)
  const weight = new Float64Array(side * side)
  let good = 0
  for (let y = 0; y < side; y++) {
    const from = (cy - halfStamp + y) * width + cx - halfStamp
    for (let x = 0; x < side; x++) {
      if (broad.bad[from + x] !== 0 || sharp.bad[from + x] !== 0) continue
      data[y * side + x] = broad.pixels[from + x]
      weight[y * side + x] = 1 / (broad.variance[from + x] + sharp.variance[from + x])
      good++
    }
  }
  if (good < 0.8 * side * side) return undefined
  const images = convolveWithBasis(source, side, basis)
  images.push(new Float64Array(side * side).fill(1))
  return { x: cx, y: cy, pixels: good, ...normalEquations(images, data, weight) }
}

function normalEquations(images: Float64Array[], data: Float64Array, weight: Float64Array) {
  const unknowns = images.length
  const matrix = new Float64Array(unknowns * unknowns)
  const right = new Float64Array(unknowns)
  const weighed = new Float64Array(data.length)
  let square = 0
  for (let p = 0; p < data.length; p++) square += weight[p] * data[p] * data[p]
  for (let n = 0; n < unknowns; n++) {
    for (let p = 0; p < data.length; p++) weighed[p] = weight[p] * images[n][p]
    right[n] = dot(weighed, data)
    for (let m = 0; m <= n; m++) {
      const value = dot(weighed, images[m])
      matrix[n * unknowns + m] = value
      matrix[m * unknowns + n] = value
    }
  }
  return { unknowns, matrix, right, square }
}

function dot(a: Float64Array, b: Float64Array): number {
  let [s, t] = [0, 0]
  const even = a.length & ~1
  for (let p = 0; p < even; p += 2) {
    s += a[p] * b[p]
    t += a[p + 1] * b[p + 1]
  }
  return even < a.length ? s + t + a[even] * b[even] : s + t
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
