import { DataError, type Log } from '@nightpipe/command'
import {
  beginComparison,
  type CompareOptions,
  type CosmicRays,
  explainBy,
  flagOnlyHere,
  measureShift,
  type OnlyHere,
  sampleSky,
  starPeaks,
} from '@nightpipe/image'
import { scoped } from '@nightpipe/kernels'
import { type Calibrated, calibrateFrame } from './calibrate-frame.js'
import type { ReductionJob } from './plan.js'
import type { ReductionConfig } from './schema.js'

/** What passes as a star where none was measured, px. */
const ANY_FWHM = 3

/** Flags what other frames of the field do not have: they are calibrated one after the other, and forgotten again. */
export function compareWithOthers(
  frame: Calibrated,
  others: readonly ReductionJob[],
  cosmic: CosmicRays | undefined,
  config: ReductionConfig,
  log: Log,
): OnlyHere & { compared: number } {
  const { tolerance } = config['cosmic rays']
  const options: CompareOptions = { clip: 5, neighbours: 2.5, tolerance, fwhm: cosmic?.fwhm ?? ANY_FWHM }
  const sky = sampleSky(frame.pixels, frame.width, frame.height, { mask: frame.mask })
  const peaks = starPeaks(frame, sky)
  const comparison = beginComparison(frame, sky, options)
  let compared = 0
  for (const other of others) {
    scoped(() => {
      try {
        const second = calibrateFrame(other, withoutErrors(config))
        const secondSky = sampleSky(second.pixels, second.width, second.height, { mask: second.mask })
        const shift = measureShift(peaks, starPeaks(second, secondSky))
        if (!shift) {
          log.detail(`${other.frame.name} shows no stars in common: not compared with it`)
          return
        }
        explainBy(comparison, second, secondSky, shift)
        compared++
      } catch (error) {
        if (!(error instanceof DataError)) throw error
        log.detail(`not compared with ${other.frame.name}: ${error.message}`)
      }
    })
  }
  return compared > 0 ? { ...flagOnlyHere(comparison, options), compared } : { pixels: 0, longest: 0, compared }
}

/** Errors of the other frames are not needed. */
export function withoutErrors(config: ReductionConfig): ReductionConfig {
  const frame = { ...config.frame, error: false, mask: true }
  return { ...config, frame, 'cosmic rays': { ...config['cosmic rays'], method: 'none' } }
}
