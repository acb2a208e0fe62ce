import { allocate, allocateBytes, kernels, scoped } from '@nightpipe/kernels'
import { filterRows, floatScratch } from './row-strips.js'

/** Lines of up to so many pixels have a sorting network. */
const LONGEST_LINE = 15

/**
 * The median of the `size` x `size` pixels about each (an odd size). NaN neighbours are left out; where all are NaN, NaN.
 * Beyond the edge the edge pixel repeats. `out` is another array.
 */
export function medianFilter(
  pixels: Float32Array,
  width: number,
  height: number,
  size: number,
  out: Float32Array = new Float32Array(pixels.length),
): Float32Array {
  checkSize(size)
  if (size === 1) return copied(pixels, out)
  return scoped(() => {
    const large = size > 5
    const scratch = large ? allocateBytes(kernels().medianScratch(size)) : floatScratch(size * size)
    return filterRows(pixels, width, height, (size - 1) / 2, out, (rows, target) => {
      if (large) kernels().medianLarge(...rows, size, target, scratch)
      else kernels().medianSmall(...rows, size, size, target, scratch)
    })
  })
}

/**
 * The median along the rows, then along the columns, of `size` pixels each: nearly the median of the square, much
 * cheaper. Sizes 3 to 15, odd; NaN and edges as in `medianFilter`.
 */
export function separableMedianFilter(
  pixels: Float32Array,
  width: number,
  height: number,
  size: number,
  out: Float32Array = new Float32Array(pixels.length),
): Float32Array {
  checkSize(size)
  if (size > LONGEST_LINE) throw new RangeError(`a separable median filter of size ${size} is over ${LONGEST_LINE}`)
  if (size === 1) return copied(pixels, out)
  return scoped(() => {
    const scratch = floatScratch(size)
    const between = allocate(Float32Array, pixels.length)
    filterRows(pixels, width, height, 0, between, (rows, target) => {
      kernels().medianSmall(...rows, size, 1, target, scratch)
    })
    return filterRows(between, width, height, (size - 1) / 2, out, (rows, target) => {
      kernels().medianSmall(...rows, 1, size, target, scratch)
    })
  })
}

/** A small image to convolve with: `width` x `height` values, both odd, row by row. */
export interface Kernel {
  width: number
  height: number
  values: ArrayLike<number>
}

/**
 * The image convolved with a small kernel (mirrored, as the mathematics say; for a symmetric one it makes no
 * difference). NaN spreads as far as the kernel reaches. Beyond the edge the edge pixel repeats. `out` is another array.
 */
export function convolve(
  pixels: Float32Array,
  width: number,
  height: number,
  kernel: Kernel,
  out: Float32Array = new Float32Array(pixels.length),
): Float32Array {
  const { width: sizeX, height: sizeY, values } = kernel
  checkSize(sizeX)
  checkSize(sizeY)
  if (values.length !== sizeX * sizeY)
    throw new RangeError(`a kernel of ${sizeX} x ${sizeY} has ${values.length} values`)
  return scoped(() => {
    const turned = allocate(Float32Array, values.length)
    for (let i = 0; i < values.length; i++) turned[values.length - 1 - i] = values[i]
    return filterRows(pixels, width, height, (sizeY - 1) / 2, out, (rows, target) => {
      kernels().convolve(...rows, turned.byteOffset, sizeX, sizeY, target)
    })
  })
}

/** The same for a kernel that is a column times a row, such as a Gaussian: two passes, each as cheap as one line. */
export function convolveSeparable(
  pixels: Float32Array,
  width: number,
  height: number,
  row: ArrayLike<number>,
  column: ArrayLike<number>,
  out: Float32Array = new Float32Array(pixels.length),
): Float32Array {
  return scoped(() => {
    const between = allocate(Float32Array, pixels.length)
    convolve(pixels, width, height, { width: row.length, height: 1, values: row }, between)
    return convolve(between, width, height, { width: 1, height: column.length, values: column }, out)
  })
}

/**
 * The mean of the `size` x `size` pixels about each (an odd size), of those that are finite and lie in the image; NaN
 * where there are none. `out` is another array.
 */
export function boxMean(
  pixels: Float32Array,
  width: number,
  height: number,
  size: number,
  out: Float32Array = new Float32Array(pixels.length),
): Float32Array {
  checkSize(size)
  return scoped(() => {
    const scratch = floatScratch(2 * (width + size + 8))
    return filterRows(pixels, width, height, (size - 1) / 2, out, (rows, target) => {
      kernels().boxMean(...rows, size, target, scratch)
    })
  })
}

/** A Gaussian of this standard deviation as a line of odd length that sums to 1, cut at `reach` sigma. */
export function gaussianLine(sigma: number, reach = 4): Float64Array {
  if (!(sigma > 0)) throw new RangeError(`a Gaussian of sigma ${sigma} is impossible`)
  const half = Math.max(1, Math.ceil(reach * sigma))
  const line = Float64Array.from({ length: 2 * half + 1 }, (_, i) => Math.exp(-(((i - half) / sigma) ** 2) / 2))
  const total = line.reduce((a, b) => a + b)
  return line.map((value) => value / total)
}

function checkSize(size: number): void {
  if (!(Number.isInteger(size) && size > 0 && size % 2 === 1)) throw new RangeError(`a window of ${size} has no centre`)
}

function copied(pixels: Float32Array, out: Float32Array): Float32Array {
  out.set(pixels)
  return out
}
