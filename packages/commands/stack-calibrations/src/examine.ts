import { rmSync } from 'node:fs'
import { requireWholeAndDigest } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { mustBeWhole, requireWhole } from '@nightpipe/fits'
import { scoped } from '@nightpipe/kernels'
import type { Geometry } from './geometry.js'
import type { FrameStatistics } from './judge.js'
import { type LampLight, lampLight } from './lamp-light.js'
import { measureRows } from './measure.js'
import { type OverscanMethod, type Pedestal, pedestalsOf } from './overscan.js'
import { type BiasOf, sampleFrame } from './sample.js'
import { openSource, type Source, sourceImage } from './source.js'

export interface ExamineArgs {
  path: string
  hdu: number
  geometry: Geometry
  method: OverscanMethod
  smooth: number
  saturation?: number
  /** A flat of a spectrograph: its light is looked at too. */
  lamp?: boolean
  /** Frames whose counts are made linear: what net counts are reckoned from. */
  bias?: BiasOf
  /** Where unpacked copies may lie. */
  output: string
}

export interface Examined {
  source: Source
  /** One for each amplifier. */
  pedestals: Pedestal[]
  statistics: FrameStatistics
  lamp?: LampLight
  /** Whether the data agree with their DATASUM; not known yet of frames that are read to their end by `readToEnd`. */
  whole?: boolean
}

/** Why a frame cannot be read: one bad frame must not cost the others of its group. */
export interface Unreadable {
  unreadable: string
}

/** First look at a frame: its overscan, and what a sample of its rows tells. */
export function examineFrame(args: ExamineArgs): Examined | Unreadable {
  return orUnreadable(() => lookAt(args))
}

/** What `read` makes, or what is wrong with the file. */
export function orUnreadable<T>(read: () => T): T | Unreadable {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    return { unreadable: error.advice ? `${error.message} (${error.advice})` : error.message }
  }
}

function lookAt({ path, hdu, geometry, method, smooth, saturation, output, lamp, bias }: ExamineArgs): Examined {
  const source = openSource(path, hdu, output)
  try {
    const image = sourceImage(source)
    const whole = source.copied
      ? requireWhole(image)
      : mustBeWhole(image)
        ? requireWholeAndDigest(path, image)
        : undefined
    const pedestals = pedestalsOf(source, geometry, method, smooth)
    const frame = { source, pedestals, bias }
    const statistics = scoped(() => {
      const { pixels, saturatedFraction } = sampleFrame(frame, geometry, saturation)
      return measureRows(pixels, geometry.width, saturatedFraction)
    })
    if (!lamp) return { source, whole, pedestals, statistics }
    const light = scoped(() => lampLight(frame, geometry, saturation))
    return { source, whole, pedestals, statistics, lamp: light }
  } catch (error) {
    if (source.copied) rmSync(source.path, { force: true })
    throw error
  }
}

/**
 * Reads a frame to its end, for its digest and its DATASUM; returns whether the data agree with that. Frames that are used
 * even if they do not are read so when the master is there: while the disk still writes.
 */
export const readToEnd = (source: Source): boolean => requireWholeAndDigest(source.path, sourceImage(source))
