import { DataError } from '@nightpipe/command'
import type { FrameFacts } from '@nightpipe/config'
import type { Hdu } from '@nightpipe/fits'
import { type OverscanLevel, overscanLevel } from '@nightpipe/image'
import type { ReductionJob } from './plan.js'
import type { RawRead } from './read-raw.js'
import type { ReductionConfig } from './schema.js'

export type Amplifier = FrameFacts['amplifiers'][number]

/** An amplifier, with what is known of its noise and of the level under its signal. */
export interface Reading {
  amplifier: Amplifier
  overscan?: OverscanLevel
  /** Electrons per ADU, and electrons. */
  gain: number
  readNoise: number
}

export interface Detector {
  readings: Reading[]
  /** The gain of the frame as a whole: a flat has evened out what the amplifiers differ by. */
  gain: number
  readNoise: number
  gainIsAssumed: boolean
  readNoiseIsAssumed: boolean
  /** Raw ADU; infinite when nobody knows and no pixel tells. */
  saturation: number
  /** A pixel at full well is read with noise: it counts as saturated from this far below, ADU. */
  saturationNoise: number
}

const FULL_WELL_SIGMA = 5

/** Variance of the rounding to whole ADU, which a read noise of a data sheet does not hold and a measured one does. */
const ROUNDING = 1 / 12

const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length

/** Levels, gain and noise of a frame's amplifiers: of the configuration, else measured, else of header or profile. */
export function readDetector(image: Hdu, raw: RawRead, job: ReductionJob, config: ReductionConfig): Detector {
  const { frame, bias, flat } = job
  const { facts } = frame
  const asked = config.parameters
  const commonGain = asked.gain ?? facts.gain ?? flat?.gain
  const several = facts.amplifiers.length > 1
  const gains = facts.amplifiers.map(
    (amplifier, k) =>
      asked.gain ?? amplifier.gain ?? facts.gain ?? (several ? flat?.gains?.[k] : undefined) ?? commonGain ?? 1,
  )
  const gain = mean(gains)
  const readings = facts.amplifiers.map((amplifier, k): Reading => {
    const overscan = measureOverscan(raw.overscans[k], amplifier, config)
    const gain = gains[k]
    // Biases tell the read noise in ADU: in electrons it follows the gain that is used here, not the one that they had.
    const ofBias = bias?.readNoisesAdu?.[several ? k : 0] ?? bias?.readNoisesAdu?.[0]
    const measured = asked['read noise'] ?? (ofBias !== undefined ? ofBias * gain : undefined)
    const nominal = amplifier.readNoise ?? facts.readNoise
    // Integers only: frames of floats have been averaged, or are not of a converter.
    const rounding = image.bitpix > 0 ? ROUNDING * gain * gain : 0
    const seen = overscan ? overscan.noise * gain : undefined
    const readNoise = measured ?? (nominal !== undefined ? Math.sqrt(nominal ** 2 + rounding) : seen) ?? 0
    return { amplifier, overscan, gain, readNoise }
  })
  return {
    readings,
    gain,
    readNoise: mean(readings.map((r) => r.readNoise)),
    gainIsAssumed: commonGain === undefined && facts.amplifiers.some((a) => a.gain === undefined),
    readNoiseIsAssumed: readings.some((r) => r.readNoise === 0) && asked['read noise'] === undefined,
    saturation: asked.sat_level ?? facts.saturation ?? raw.rail ?? Number.POSITIVE_INFINITY,
    saturationNoise: FULL_WELL_SIGMA * Math.max(...readings.map((r) => r.readNoise / r.gain)),
  }
}

function measureOverscan(
  values: Float32Array | undefined,
  { data, overscan }: Amplifier,
  config: ReductionConfig,
): OverscanLevel | undefined {
  const { method, fit, smooth, order } = config.overscan
  if (!overscan || !values || method === 'none') return undefined
  const { x0, y0, x1, y1 } = overscan
  const shifted = { x0: data.x0 - x0, x1: data.x1 - x0, y0: data.y0 - y0, y1: data.y1 - y0 }
  const own = { x0: 0, y0: 0, x1: x1 - x0, y1: y1 - y0 }
  return overscanLevel(values, x1 - x0, own, shifted, { method, fit, window: smooth, order })
}

/** The level under the signal has been taken off twice when the master bias still holds it. */
export function requireOneBiasLevel(job: ReductionJob, detector: Detector, biasLevel: number): void {
  for (const { overscan } of detector.readings) {
    if (!overscan || !(Math.abs(biasLevel) > 0.3 * Math.abs(overscan.level) && Math.abs(biasLevel) > 20)) continue
    throw new DataError(
      `${job.bias!.name} lies at ${biasLevel.toFixed(1)} adu, but the overscan, ` +
        `${overscan.level.toFixed(1)} adu, is subtracted too`,
      'the bias was made without its overscan subtracted: set [overscan] method = none, or make it anew',
    )
  }
}

/** What lies under the net signal, raw ADU: overscan and bias, the mean over the amplifiers. */
export function levelUnder({ readings }: Detector, biasLevel: number): number {
  const levels = readings.map(({ overscan }) => overscan?.level ?? 0)
  return levels.reduce((sum, level) => sum + level, 0) / levels.length + biasLevel
}
