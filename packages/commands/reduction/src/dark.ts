import { type Hdu, type Onlooker, readPixels } from '@nightpipe/fits'
import { type SkyMap, sampleSky, skyAt } from '@nightpipe/image'
import type { RawFrame } from './frames.js'
import type { ReductionJob } from './plan.js'
import { type AlignedReader, alignedReader } from './planes.js'
import type { ReductionConfig } from './schema.js'

/** Rows of the dark and of its error, in ADU for the exposure of the master, and the factor to that of the frame. */
export interface DarkSource {
  scale: number
  /** The master has the bias in it: it must be taken off. */
  holdsBias: boolean
  /** How much of the variance of the master bias counts beside the dark's own. */
  biasWeight: number
  pixels: AlignedReader
  error?: AlignedReader
}

/** A bias level below this, ADU, is that of frames without their overscan: it tells nothing about a dark. */
const TOO_LOW = 50

/** Pixels of a dark that stand this far above the smooth level are hot. */
const HOT = 5

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
  const holdsBias = holds(config.calibration['dark contains'], perSecond, master, image, biasLevel)
  const source = { scale, holdsBias, biasWeight: 1, pixels: alignedReader(image, frame, width, see) }
  if (config.calibration['dark pixels'] === 'hot') return { ...source, ...hotOnly(source.pixels, error, frame, width) }
  const biasWeight = biasWeightOf(job, scale * master, holdsBias ? master : undefined)
  return { ...source, biasWeight, error: error && alignedReader(error, frame, width) }
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

function holds(said: string, perSecond: boolean, seconds: number, image: Hdu, biasLevel: number): boolean {
  if (said !== 'auto') return said === 'bias'
  if (perSecond || seconds === 1 || !(biasLevel > TOO_LOW)) return false
  return levelOf(image) > 0.5 * biasLevel
}

/** The median of some rows of an image, spread over it. */
export function levelOf(image: Hdu): number {
  const [width, height] = image.axes as [number, number]
  const rows = 16
  const sample = new Float32Array(rows * width)
  for (let k = 0; k < rows; k++) {
    const firstRow = Math.floor(((k + 0.5) * height) / rows)
    readPixels(image, {
      firstRow,
      rows: 1,
      plane: 0,
      into: sample.subarray(k * width, (k + 1) * width) as Float32Array,
    })
  }
  return sampleSky(sample, width, rows, { tile: 64, step: 2 }).medianLevel
}

/**
 * A dark of a few frames is noisier than the dark current is uneven: the smooth level instead, except where a pixel is
 * hot. The error is that of the master at hot pixels, and none elsewhere.
 */
function hotOnly(read: AlignedReader, error: Hdu | undefined, frame: RawFrame, width: number) {
  const height = Math.max(...frame.facts.amplifiers.map(({ place }) => place.y1))
  const whole = read(0, height, new Float32Array(width * height))
  const map: SkyMap = sampleSky(whole, width, height)
  const isHot = (p: number, x: number, y: number) =>
    Math.abs(whole[p] - skyAt(map, map.level, x, y)) > HOT * skyAt(map, map.sigma, x, y)
  const readError = error && alignedReader(error, frame, width)
  const pixels: AlignedReader = (firstRow, rows, into) => {
    for (let y = firstRow; y < firstRow + rows; y++) {
      for (let x = 0; x < width; x++) {
        const p = y * width + x
        into[p - firstRow * width] = isHot(p, x, y) ? whole[p] : skyAt(map, map.level, x, y)
      }
    }
    return into.subarray(0, rows * width)
  }
  const errors: AlignedReader = (firstRow, rows, into) => {
    readError?.(firstRow, rows, into)
    for (let y = firstRow; y < firstRow + rows; y++) {
      for (let x = 0; x < width; x++) {
        const p = y * width + x
        if (!isHot(p, x, y)) into[p - firstRow * width] = 0
      }
    }
    return into.subarray(0, rows * width)
  }
  return { pixels, error: readError && errors }
}
