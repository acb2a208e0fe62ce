import { DataError, type Tools } from '@nightpipe/command'
import { kernelAt, kernelTerms, type Tile, type ZogySpreads } from '@nightpipe/image'
import { type Match, matchKernel, type Reference, type Seeing } from './match-kernel.js'
import type { SubtractionSchema } from './schema.js'
import type { Side } from './side.js'

/** The kernel that the point spreads of proper subtraction are brought together by; undefined where none can be fitted. */
export async function kernelIfAny(
  fresh: Side,
  reference: Reference,
  seeing: Seeing,
  tools: Tools<SubtractionSchema>,
): Promise<Match | undefined> {
  try {
    return await matchKernel(fresh, reference, seeing, tools)
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}

/**
 * Point spreads of both frames in a tile that agree with each other: that of the broader frame is what the kernel makes of
 * that of the sharper one. Seen on stars, each has other neighbours in it where these crowd, and what they differ by is
 * left of every star.
 */
export function agreeingSpreads(
  { model, convolved }: Match,
  spread: (which: 'fresh' | 'reference', tile: Tile) => Float64Array,
): (tile: Tile) => ZogySpreads {
  const terms = kernelTerms(model)
  return (tile) => {
    const { x0, y0, x1, y1 } = tile.net
    const kernel = kernelAt(model, (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2, terms)
    const sum = kernel.reduce((a, b) => a + b)
    const shape = kernel.map((value) => value / sum)
    if (convolved === 'reference') {
      const sharp = spread('reference', tile)
      return { fresh: convolve(sharp, shape), reference: sharp, ratio: 1 / sum, sharper: 'reference' }
    }
    const sharp = spread('fresh', tile)
    return { fresh: sharp, reference: convolve(sharp, shape), ratio: sum, sharper: 'fresh' }
  }
}

/** One square of odd side by another: as wide as both together. */
export function convolve(image: Float64Array, kernel: Float64Array): Float64Array {
  const [side, across] = [Math.round(Math.sqrt(image.length)), Math.round(Math.sqrt(kernel.length))]
  const wide = side + across - 1
  const out = new Float64Array(wide * wide)
  for (let q = 0; q < kernel.length; q++) {
    const weight = kernel[q]!
    if (weight === 0) continue
    const first = Math.floor(q / across) * wide + (q % across)
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) out[first + y * wide + x]! += weight * image[y * side + x]!
    }
  }
  return out
}
