import { medianOf } from '@nightpipe/math'
import type { Detector } from './detector.js'

/** Errors that their typical value is taken from. */
const LOOKED_AT = 10000

/**
 * Where nobody tells the gain or the read noise, errors at the sky are what it scatters by: what is missing is added to
 * all variances. Where the gain is assumed and the sky is quieter than so many electrons could be, the surplus is taken off
 * them: light above the sky keeps the noise that the assumption gives it.
 */
export function errorsOfSky(
  error: Float32Array,
  skySigma: number,
  { readNoiseIsAssumed, gainIsAssumed }: Pick<Detector, 'readNoiseIsAssumed' | 'gainIsAssumed'>,
): void {
  if (!readNoiseIsAssumed && !gainIsAssumed) return
  const step = Math.max(1, Math.floor(error.length / LOOKED_AT)) | 1
  const sample = Float32Array.from({ length: Math.ceil(error.length / step) }, (_, k) => error[k * step])
  const missing = skySigma ** 2 - medianOf(sample.filter(Number.isFinite)) ** 2
  if (!(missing > 0 || (missing < 0 && gainIsAssumed && skySigma > 0))) return
  const least = missing < 0 ? skySigma ** 2 : 0
  for (let p = 0; p < error.length; p++) error[p] = Math.sqrt(Math.max(least, error[p] ** 2 + missing))
}
