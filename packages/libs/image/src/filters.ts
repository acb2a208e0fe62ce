import { median } from '@nightpipe/math'

/** Beyond the edge every filter sees the edge pixel repeated. */
const clamp = (i: number, n: number) => (i < 0 ? 0 : i >= n ? n - 1 : i)

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
  if (!(size > 0 && size % 2 === 1)) throw new RangeError(`a median filter of size ${size} has no centre`)
  const half = (size - 1) / 2
  const window = new Float64Array(size * size)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let n = 0
      for (let v = y - half; v <= y + half; v++) {
        for (let u = x - half; u <= x + half; u++) {
          const value = pixels[clamp(v, height) * width + clamp(u, width)]
          if (!Number.isNaN(value)) window[n++] = value
        }
      }
      out[y * width + x] = median(window, n)
    }
  }
  return out
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
  if (kernel.width % 2 !== 1 || kernel.height % 2 !== 1) throw new RangeError('a kernel has odd sides')
  const halfX = (kernel.width - 1) / 2
  const halfY = (kernel.height - 1) / 2
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let total = 0
      for (let v = -halfY; v <= halfY; v++) {
        const row = clamp(y - v, height) * width
        for (let u = -halfX; u <= halfX; u++) {
          total += kernel.values[(v + halfY) * kernel.width + u + halfX] * pixels[row + clamp(x - u, width)]
        }
      }
      out[y * width + x] = total
    }
  }
  return out
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
  const between = convolve(pixels, width, height, { width: row.length, height: 1, values: row })
  return convolve(between, width, height, { width: 1, height: column.length, values: column }, out)
}

/** The mean of the `size` x `size` pixels about each. */
export function boxMean(
  pixels: Float32Array,
  width: number,
  height: number,
  size: number,
  out: Float32Array = new Float32Array(pixels.length),
): Float32Array {
  const line = new Float64Array(size).fill(1 / size)
  return convolveSeparable(pixels, width, height, line, line, out)
}

/** A Gaussian of this standard deviation as a line of odd length that sums to 1, cut at `reach` sigma. */
export function gaussianLine(sigma: number, reach = 4): Float64Array {
  const half = Math.max(1, Math.ceil(reach * sigma))
  const line = Float64Array.from({ length: 2 * half + 1 }, (_, i) => Math.exp(-(((i - half) / sigma) ** 2) / 2))
  const total = line.reduce((a, b) => a + b)
  return line.map((value) => value / total)
}
