import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { power } from '@nightpipe/math'

/**
 * What a star of a Moffat profile (1969, A&A 3, 455) leaves of waves: the Fourier transform of the profile of sum 1, at wave
 * numbers (2π over the length of the wave). The profile is a sum of Gaussians of variance a² / 2t, of weight t^(exponent - 2) e^-t
 * dt, and so is its transform.
 */
export function moffatTransform(waves: Float64Array, fwhm: number, exponent: number): Float64Array {
  const a = fwhm / (2 * Math.sqrt(power(2, 1 / exponent) - 1))
  return scoped(() => {
    const [numbers, out] = [allocate(Float64Array, waves.length), allocate(Float64Array, waves.length)]
    numbers.set(waves)
    kernels().moffatWaves(numbers.byteOffset, waves.length, a, exponent, out.byteOffset)
    return new Float64Array(out)
  })
}
