import { runMemory } from '@nightpipe/command'
import { type Hdu, type Onlooker, readPixels } from '@nightpipe/fits'
import { sampleSky } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { hotOnly } from './hot-pixels.js'
import type { ReductionJob } from './plan.js'
import { type AlignedReader, alignedReader } from './planes.js'
import type { ReductionConfig } from './schema.js'

/** Rows of the dark and of its error, in ADU for the exposure of the master, and the factor to that of the frame. */
export interface DarkSource {
  scale: number
  /** The master pixel by pixel, as it is. */
  plain?: boolean
  /** The master has the bias in it: it must be taken off. */
  holdsBias: boolean
  /** How much of the variance of the master bias counts beside the dark's own. */
  biasWeight: number
  pixels: AlignedReader
  error?: AlignedReader
}

/** A bias level below this, ADU, is that of frames without their overscan: it tells nothing about a dark. */
const TOO_LOW = 50

/** Noise of a dark over that of an unlit pixel from which it is subtracted at hot pixels only: it would add 2 %. */
export const SEEN = 0.2

export function darkSource(
  { image, error: itsError, see }: { image: Hdu; error?: Hdu; see?: Onlooker },
  hasError: boolean,
  job: ReductionJob,
  config: ReductionConfig,
  width: number,
  biasLevel: number,
): DarkSource {
  const { frame, dark } = job
  const error = hasError ? itsError : undefined
  const perSecond = dark!.unit === 'adu/s' || dark!.unit === 'adu / s'
  const master = perSecond ? 1 : (dark!.exposureSeconds ?? 1)
  const scale = (frame.facts.exposureSeconds ?? 0) / (master > 0 ? master : 1)
  const holdsBias = holds(config.calibration['dark contains'], perSecond, master, dark!.path, image, biasLevel)
  const source = { scale, holdsBias, biasWeight: 1, pixels: alignedReader(image, frame, width, see) }
  if (onlyHotPixels(config, job, itsError, scale)) {
    return { ...source, ...hotOnly({ path: dark!.path, read: source.pixels }, error, frame, width) }
  }
  const biasWeight = biasWeightOf(job, scale * master, holdsBias ? master : undefined)
  return { ...source, plain: !holdsBias, biasWeight, error: error && alignedReader(error, frame, width) }
}

/**
 * The bias that is subtracted from a frame and the one that was subtracted from the frames of its dark, `seconds` long for
 * `exposure` seconds of the frame, are the same: a part s = exposure / seconds of its noise goes out again. A dark that
 * still holds its bias has (1 - s)² of the variance left; the error of one that does not holds s² already.
 */
function biasWeightOf({ bias, dark }: ReductionJob, exposure: number, heldBy: number | undefined): number {
  if (heldBy) return (1 - exposure / heldBy) ** 2
  const { biasId, frameSeconds } = dark!
  return biasId !== undefined && biasId === bias?.id && frameSeconds ? 1 - (2 * exposure) / frameSeconds : 1
}

function holds(
  said: string,
  perSecond: boolean,
  seconds: number,
  path: string,
  image: Hdu,
  biasLevel: number,
): boolean {
  if (said !== 'auto') return said === 'bias'
  if (perSecond || seconds === 1 || !(biasLevel > TOO_LOW)) return false
  return levelOf(path, image) > 0.5 * biasLevel
}

/** The choice of [calibration] dark pixels; `auto` looks at what the noise of the dark would add to that of a frame. */
function onlyHotPixels(
  { calibration }: ReductionConfig,
  { frame, dark, bias }: ReductionJob,
  error: Hdu | undefined,
  scale: number,
): boolean {
  const said = calibration['dark pixels']
  if (said !== 'auto') return said === 'hot'
  const { gain = 1, readNoise } = frame.facts
  const unlit = bias?.readNoisesAdu?.[0] ?? (readNoise === undefined ? undefined : readNoise / gain)
  // a dark without its errors is not known to be deep
  if (!error || unlit === undefined) return true
  return scale * typicalError(dark!.path, error) > SEEN * unlit
}

const errors = runMemory<string, number>()

/** The median error of a master, of some of its rows. */
export function typicalError(path: string, error: Hdu): number {
  const known = errors.get(path)
  if (known !== undefined) return known
  const middle = sampleRows(error).filter(Number.isFinite)
  const typical = middle.length > 0 ? medianOf(middle) : Number.POSITIVE_INFINITY
  errors.set(path, typical)
  return typical
}

/** Levels of the masters that this thread has looked at: every frame of a night asks for the same ones. */
const levels = runMemory<string, number>()

/** The median of some rows of a master, spread over it. */
export function levelOf(path: string, image: Hdu): number {
  const known = levels.get(path)
  if (known !== undefined) return known
  const level = sampleSky(sampleRows(image), image.axes[0]!, SAMPLE_ROWS, { tile: 64, step: 2 }).medianLevel
  levels.set(path, level)
  return level
}

const SAMPLE_ROWS = 16

function sampleRows(image: Hdu): Float32Array {
  const [width, height] = image.axes as [number, number]
  const sample = new Float32Array(SAMPLE_ROWS * width)
  for (let k = 0; k < SAMPLE_ROWS; k++) {
    const firstRow = Math.floor(((k + 0.5) * height) / SAMPLE_ROWS)
    const into = sample.subarray(k * width, (k + 1) * width) as Float32Array
    readPixels(image, { firstRow, rows: 1, plane: 0, into })
  }
  return sample
}
