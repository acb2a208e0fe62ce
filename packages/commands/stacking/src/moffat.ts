import { power } from '@nightpipe/math'

/** The sum over Gaussians is taken in steps of half its own sigma, as far as its terms are more than e to this. */
const STEP = 0.5
const LEAST = -16

/**
 * What a star of a Moffat profile (1969, A&A 3, 455) leaves of waves: the Fourier transform of the profile of sum 1, at wave
 * numbers (2π over the length of the wave). The profile is a sum of Gaussians of variance a² / 2t, of weight t^(exponent - 2) e^-t
 * dt, and so is its transform.
 */
export function moffatTransform(waves: Float64Array, fwhm: number, exponent: number): Float64Array {
  const a = fwhm / (2 * Math.sqrt(power(2, 1 / exponent) - 1))
  const order = exponent - 1
  const total = sumOfGaussians(0, order)
  return waves.map((k) => Math.exp(sumOfGaussians((k * a) ** 2, order) - total))
}

/** Logarithm of the sum over ln t of t^order exp(-t - square / 4t), about its largest term. */
function sumOfGaussians(square: number, order: number): number {
  const highest = (order + Math.sqrt(order * order + square)) / 2
  const width = 1 / Math.sqrt(highest + square / (4 * highest))
  const height = order * Math.log(highest) - highest - square / (4 * highest)
  let sum = 0
  for (const direction of [-1, 1]) {
    for (let node = direction < 0 ? 0 : 1; ; node++) {
      const step = direction * node * STEP * width
      const stretch = Math.exp(step)
      const term = order * step - highest * (stretch - 1) - (square / (4 * highest)) * (1 / stretch - 1)
      if (term < LEAST) break
      sum += Math.exp(term)
    }
  }
  return height + Math.log(sum * STEP * width)
}
