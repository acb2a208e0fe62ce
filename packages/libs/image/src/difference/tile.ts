import { kernels as compiled, inKernelMemory } from '@nightpipe/kernels'
import { type ComplexImage, fft, fftLength, inverseFft, kernelComplexImage, medianOf } from '@nightpipe/math'
import type { Section } from '../section.js'

/** A part of an image that is transformed on its own: `net` is what comes out of it, with `pad` pixels more around. */
export interface Tile {
  net: Section
  pad: number
  width: number
  height: number
}

/** Tiles near this size are quick: they stay in the second cache. */
const TILE = 512

/** Cuts an image into rows of tiles of nearly equal size. */
export function tileRows(width: number, height: number, pad: number): Tile[][] {
  const columns = Math.max(1, Math.round(width / (TILE - 2 * pad)))
  const rows = Math.max(1, Math.round(height / (TILE - 2 * pad)))
  const across = fftLength(Math.ceil(width / columns) + 2 * pad)
  const up = fftLength(Math.ceil(height / rows) + 2 * pad)
  return Array.from({ length: rows }, (_, j) =>
    Array.from({ length: columns }, (_, i) => ({
      net: {
        x0: Math.floor((i * width) / columns),
        y0: Math.floor((j * height) / rows),
        x1: Math.floor(((i + 1) * width) / columns),
        y1: Math.floor(((j + 1) * height) / rows),
      },
      pad,
      width: across,
      height: up,
    })),
  )
}

/** Copies the tile with its surroundings out of an image of this width; 0 beyond the edges. */
export function cutTile(
  { net, pad, width, height }: Tile,
  pixels: Float32Array,
  imageWidth: number,
  out: Float32Array,
) {
  out.fill(0)
  const rows = pixels.length / imageWidth
  const x0 = Math.max(0, net.x0 - pad)
  const x1 = Math.min(imageWidth, net.x0 - pad + width, net.x1 + pad)
  for (let y = 0; y < height; y++) {
    const row = net.y0 - pad + y
    if (row < 0 || row >= rows || row >= net.y1 + pad) continue
    out.set(pixels.subarray(row * imageWidth + x0, row * imageWidth + x1), y * width + x0 - (net.x0 - pad))
  }
}

/** A kernel of (2 half + 1)² values on a grid, its centre at (0, 0), what lies left and below going around. */
export function embed(kernel: ArrayLike<number>, width: number, height: number, out: Float32Array): void {
  out.fill(0)
  const side = Math.round(Math.sqrt(kernel.length))
  const half = (side - 1) / 2
  if (side > width || side > height)
    throw new RangeError(`a kernel of ${side} pixels on a tile of ${width} x ${height}`)
  for (let y = 0; y < side; y++) {
    const row = (y - half + height) % height
    for (let x = 0; x < side; x++) out[row * width + ((x - half + width) % width)] = kernel[y * side + x]
  }
}

/** The transforms of two real images, apart. */
export interface Pair {
  a: ComplexImage
  b: ComplexImage
}

/** Where the real and the imaginary parts lie. */
const places = ({ re, im }: ComplexImage) => [re.byteOffset, im.byteOffset] as const

/** Transforms two real images at once; `both` is used up. All grids are in kernel memory. */
export function transformPair(both: ComplexImage): Pair {
  const { width, height } = both
  fft(both)
  const a = kernelComplexImage(width, height)
  const b = kernelComplexImage(width, height)
  compiled().complexSplit(...places(both), width, height, ...places(a), ...places(b))
  return { a, b }
}

/** a + i b, transformed back: its real part is the real image of `a`, its imaginary part that of `b`. */
export function backTogether({ a, b }: Pair): ComplexImage {
  const both = kernelComplexImage(a.width, a.height)
  compiled().complexJoin(...places(a), ...places(b), ...places(both), both.re.length)
  inverseFft(both)
  return both
}

/** The product of two transforms. */
export function product(a: ComplexImage, b: ComplexImage): ComplexImage {
  const out = kernelComplexImage(a.width, a.height)
  compiled().complexProduct(...places(a), ...places(b), ...places(out), out.re.length)
  return out
}

/** A pair of real kernels, squared value by value, and transformed. */
export function squaredPair(kernels: Pair): Pair {
  const both = backTogether(kernels)
  for (const part of [both.re, both.im]) compiled().squareFloats(part.byteOffset, part.length)
  return transformPair(both)
}

/**
 * Two variances of images that noise goes through: that of `signal` = a * kernels.a + b * kernels.b, and that of
 * `difference` likewise, as real and imaginary part.
 */
export function carriedVariance(variance: Pair, signal: Pair, difference: Pair): ComplexImage {
  const sum = (k: Pair) => {
    const out = kernelComplexImage(k.a.width, k.a.height)
    const parts = [...places(variance.a), ...places(k.a), ...places(variance.b), ...places(k.b)] as const
    compiled().complexSum(...parts, ...places(out), out.re.length)
    return out
  }
  return backTogether({ a: sum(signal), b: sum(difference) })
}

/** The kernel of a transform, as far as `half` from its centre: the inverse of `embed`. */
export function kernelOf(transform: ComplexImage, half: number): Float64Array {
  const { width, height } = transform
  const image = kernelComplexImage(width, height)
  image.re.set(transform.re)
  image.im.set(transform.im)
  inverseFft(image)
  const side = 2 * half + 1
  return Float64Array.from({ length: side * side }, (_, p) => {
    const x = ((p % side) - half + width) % width
    const y = (Math.floor(p / side) - half + height) % height
    return image.re[y * width + x]
  })
}

/** The typical variance of the part of a tile that lies in the image. */
export function typicalVariance(variance: Float32Array): number {
  const sample: number[] = []
  for (let p = 0; p < variance.length; p += 37) if (variance[p] > 0) sample.push(variance[p])
  return sample.length > 0 ? medianOf(sample) : 1
}

/** A bright star has some hundred times the variance of the sky: what is far beyond is a pixel that nobody believes. */
const MOST_VARIANCE = 1e4

/**
 * Limits the variances of a tile before they are transformed: in single precision a saturated pixel of 1e9 would leave its
 * roundings, a hundred times the noise of the sky, all over the tile.
 */
export function limitVariance(variance: Float32Array): void {
  const most = MOST_VARIANCE * typicalVariance(variance)
  if (inKernelMemory(variance)) compiled().limitFloats(variance.byteOffset, variance.length, most)
  else for (let p = 0; p < variance.length; p++) if (variance[p] > most) variance[p] = most
}
