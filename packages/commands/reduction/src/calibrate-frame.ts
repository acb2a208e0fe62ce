import { linearityOf } from '@nightpipe/config'
import { companion, type FitsFile, imageHdu, openFits, type Watch } from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { darkSource, levelOf } from './dark.js'
import { type Detector, readDetector, requireOneBiasLevel } from './detector.js'
import { finish } from './finish.js'
import { keepBits, setKnownBits } from './known-bits.js'
import { trimmedSize } from './master.js'
import { expectSignal, takeBiasOff } from './net-pixels.js'
import type { Open } from './opened.js'
import type { ReductionJob } from './plan.js'
import { maskJoiner, type Planes, stripRows, strips } from './planes.js'
import { quietBias } from './quiet-bias.js'
import type { ReductionConfig } from './schema.js'
import { areStored } from './stored-rows.js'
import { endWatches, lookThrough, readWhole, requireWholeOnce, watchRaw } from './whole.js'

export interface Calibrated extends Planes {
  /** False when nothing asked for errors: then the error plane holds nothing. */
  hasError: boolean
  detector: Detector
  /** What a raw ADU of net signal is in the unit of the planes. */
  scale: number
  /** The level of the master bias, ADU. */
  biasLevel: number
}

/**
 * A raw frame calibrated: overscan and bias off, cut to its light-sensitive part, made linear, dark off, divided by the
 * flat, in the unit of the configuration; with the one-sigma error of every pixel and the bits of its mask.
 *
 * The photon noise is that of the expected signal of a pixel, not of its value: an error taken from a value that came out
 * low is too small, and the values over their errors are then off by half of one over the signal-to-noise (Lee 1980 gives
 * the filter; docs/guide/reduction.md the figures). The planes lie in kernel memory, which the caller gives back.
 */
export function calibrateFrame(job: ReductionJob, config: ReductionConfig): Calibrated {
  const { width, height } = trimmedSize(job.frame.facts)
  const n = width * height
  const files: FitsFile[] = []
  const open = (path: string, hdu?: number): Open => {
    const file = openFits(path)
    files.push(file)
    const image = imageHdu(file, hdu)
    return { image, error: companion(file, image, 'ERR'), mask: companion(file, image, 'MASK') }
  }
  const watches = new Map<string, Watch>()
  const openMaster = (master: { path: string } | undefined): Open | undefined => {
    if (!master) return undefined
    const opened = open(master.path)
    return { ...opened, see: lookThrough(master.path, opened.image, job, watches) }
  }
  try {
    const raw = open(job.frame.path, job.frame.hdu)
    const [bias, dark, flat] = [job.bias, job.dark, job.flat].map(openMaster)
    const masters = { bias, dark, flat, mask: job.mask ? open(job.mask) : undefined }
    if (masters.mask) requireWholeOnce(job.mask!, masters.mask.image)
    const planes: Planes = {
      ...{ width, height },
      pixels: allocate(Float32Array, n),
      error: allocate(Float32Array, n), // memory that is not touched costs nothing
      mask: allocate(Int16Array, n),
    }
    const { facts } = job.frame
    const nobodyKnows = config.parameters.sat_level === undefined && facts.saturation === undefined
    const hasError = config.frame.error || config['cosmic rays'].method !== 'none'
    const biasLevel = masters.bias ? levelOf(job.bias!.path, masters.bias.image) : 0
    const darkRows = dark && darkSource(dark, hasError, job, config, width, biasLevel)
    const images = {
      raw: raw.image,
      bias: bias?.image,
      flat: flat?.image,
      dark: dark && { ...darkRows!, image: dark.image },
    }
    const stored = !hasError && !nobodyKnows && areStored(images, job, config)
    const see = stored ? watchRaw(raw.image, job, watches) : undefined
    // what nobody looks up in masters, and one pass writes as a whole, begins with nothing
    const isFresh = stored && !config.frame.mask
    if (!isFresh) kernels().clearBytes(planes.mask.byteOffset, 2 * n)
    const read = stored
      ? { overscans: [undefined] }
      : readWhole(raw.image, job, planes, nobodyKnows && raw.image.bitpix > 0)
    const detector = readDetector(raw.image, read, job, config)
    if (masters.bias) requireOneBiasLevel(job, detector, biasLevel)
    if (config.frame.mask || hasError) joinMaskPlanes(planes, job, masters)
    const saturation = detector.saturation - detector.saturationNoise
    if (bias && hasError) bias.quiet = quietBias(bias, job, config, width)
    // what is expected of a pixel is told from its net neighbours: without errors, bias and the rest go off in one pass
    const atOnce = !hasError && isPlain(detector, config)
    for (const reading of atOnce ? [] : detector.readings) {
      takeBiasOff(planes, reading, bias, job, saturation)
      if (hasError) expectSignal(planes, reading)
    }
    const scale = scaleOf(job, config, detector)
    const raws = atOnce
      ? { bias, saturation, ...(stored && { stored: { image: raw.image, see, isFresh } }) }
      : undefined
    finish({ ...planes, hasError }, detector, job, config, { bias, flat, dark, darkRows, raws }, scale)
    endWatches(watches)
    return { ...planes, hasError, detector, scale, biasLevel }
  } finally {
    for (const file of files) file.close()
  }
}

/** One ADU of net signal in the unit asked for. */
function scaleOf({ frame }: ReductionJob, { frame: asked }: ReductionConfig, { gain }: Detector): number {
  const perSecond = asked['per second'] ? 1 / frame.facts.exposureSeconds! : 1
  return (asked.unit === 'electron' ? gain : 1) * perSecond
}

/** What the masters know of bad pixels, and the image of bad pixels itself, into a mask that holds nothing yet. */
function joinMaskPlanes(
  { width, height, mask }: Planes,
  job: ReductionJob,
  masters: { bias?: Open; dark?: Open; flat?: Open; mask?: Open },
): void {
  const { frame } = job
  const joiners = [masters.bias, masters.dark, masters.flat].flatMap((master) =>
    master?.mask ? [maskJoiner(master.mask, frame, width)] : [],
  )
  if (masters.mask) joiners.push(maskJoiner(masters.mask.image, frame, width, MaskBit.bad))
  if (joiners.length === 0 || setKnownBits(job, mask)) return
  scoped(() => {
    const more = allocate(Int16Array, stripRows(width, height) * width)
    for (const { y, rows } of strips(0, height, width)) {
      const here = mask.subarray(y * width, (y + rows) * width)
      for (const join of joiners) join(y, here, more.subarray(0, rows * width))
    }
  })
  keepBits(job, mask)
}

/** One amplifier, all of it above one level or one for each row, and no table of linearity. */
function isPlain({ readings }: Detector, config: ReductionConfig): boolean {
  const [first] = readings
  return (
    readings.length === 1 && !first.overscan?.columns && !linearityOf(first.amplifier.name, config.linearity)?.table
  )
}
