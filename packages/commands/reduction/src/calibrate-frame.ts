import { linearityOf } from '@nightpipe/config'
import { companion, type FitsFile, type Hdu, imageHdu, type Onlooker, openFits, type Watch } from '@nightpipe/fits'
import { byTable, type Calibration, calibratePixels, type Linearity, MaskBit } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { type DarkSource, darkSource, levelOf } from './dark.js'
import { darkRowsOf } from './dark-rows.js'
import { type Detector, type Reading, readDetector, requireOneBiasLevel } from './detector.js'
import { keepBits, setKnownBits } from './known-bits.js'
import { trimmedSize } from './master.js'
import type { ReductionJob } from './plan.js'
import { type AlignedReader, alignedReader, maskJoiner, type Planes, stripRows, strips } from './planes.js'
import { quietBias } from './quiet-bias.js'
import type { ReductionConfig } from './schema.js'
import { areStored, storedRaws, storedRows } from './stored-rows.js'
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

/** A master with the files that it needs open. */
interface Open {
  image: Hdu
  /** To be shown its pixels, when they are looked through while they are read. */
  see?: Onlooker
  error?: Hdu
  mask?: Hdu
  /** Of a bias that is not taken pixel by pixel: its level and error. */
  quiet?: { pixels: AlignedReader; error?: AlignedReader }
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

/** Raw pixels of an amplifier to net ones, in place: overscan and bias off, saturation marked. */
function takeBiasOff(
  { width, pixels, mask }: Planes,
  { amplifier, overscan }: Reading,
  bias: Open | undefined,
  { frame }: ReductionJob,
  saturation: number,
): void {
  const { place } = amplifier
  const columns = place.x1 - place.x0
  scoped(() => {
    const most = stripRows(width, place.y1 - place.y0)
    const biasRows = bias && allocate(Float32Array, most * width)
    const readBias = bias && (bias.quiet?.pixels ?? alignedReader(bias.image, frame, width, bias.see))
    const pedestal = allocate(Float32Array, most)
    const across = overscan?.columns && allocate(Float32Array, columns)
    if (across) across.set(overscan.columns!)
    for (const { y, rows } of strips(place.y0, place.y1, width)) {
      if (biasRows) readBias!(y, rows, biasRows)
      // a level for each column already holds the level as a whole
      const level = overscan && !across ? overscan.level : 0
      for (let k = 0; k < rows; k++) pedestal[k] = overscan?.rows ? overscan.rows[y - place.y0 + k] : level
      const at = y * width + place.x0
      kernels().netStrip(
        ...([pixels.byteOffset + 4 * at, width, 0, columns, rows, width, pedestal.byteOffset] as const),
        ...([across?.byteOffset ?? 0, biasRows ? biasRows.byteOffset + 4 * place.x0 : 0, saturation] as const),
        ...([pixels.byteOffset + 4 * at, mask.byteOffset + 2 * at] as const),
      )
    }
  })
}

/** The expected signal of an amplifier's pixels, net ADU, into the error plane. */
function expectSignal({ width, pixels, error }: Planes, { amplifier, gain, readNoise }: Reading): void {
  const { x0, y0, x1, y1 } = amplifier.place
  scoped(() => {
    const scratch = allocate(Float32Array, 15 * (x1 - x0 + 16))
    const pivot = medianOfSome(pixels, width, amplifier.place)
    for (const { y, rows } of strips(y0, y1, width)) {
      kernels().expectedSignal(
        ...([pixels.byteOffset, width, x0, y0, x1, y1, y, y + rows] as const),
        ...([pivot, (readNoise / gain) ** 2, 1 / gain, scratch.byteOffset, error.byteOffset] as const),
      )
    }
  })
}

/** A level near that of most pixels of a section. */
function medianOfSome(pixels: Float32Array, width: number, { x0, y0, x1, y1 }: Reading['amplifier']['place']): number {
  const values: number[] = []
  const step = Math.max(1, Math.floor(Math.sqrt(((x1 - x0) * (y1 - y0)) / 1000)))
  for (let y = y0; y < y1; y += step) {
    for (let x = x0; x < x1; x += step) if (Number.isFinite(pixels[y * width + x])) values.push(pixels[y * width + x])
  }
  values.sort((a, b) => a - b)
  return values[values.length >> 1] ?? 0
}

/** One amplifier, all of it above one level or one for each row, and no table of linearity. */
function isPlain({ readings }: Detector, config: ReductionConfig): boolean {
  const [first] = readings
  return (
    readings.length === 1 && !first.overscan?.columns && !linearityOf(first.amplifier.name, config.linearity)?.table
  )
}

interface Masters {
  bias?: Open
  flat?: Open
  darkRows?: DarkSource
  /** The pixels are still raw: what `takeBiasOff` would have done is to be done too. */
  raws?: { bias?: Open; saturation: number; stored?: { image: Hdu; see?: Onlooker; isFresh: boolean } }
  /** The dark as it lies in its file. */
  dark?: Open
}

/** Linearity, dark, flat, unit and error: net pixels and expected signals become the reduced frame, in place. */
function finish(
  planes: Planes & { hasError: boolean },
  detector: Detector,
  job: ReductionJob,
  config: ReductionConfig,
  masters: Masters,
  scale: number,
): void {
  const { width, height, pixels, error, mask } = planes
  const { frame } = job
  const whole = detector.readings.length === 1
  scoped(() => {
    const size = stripRows(width, height) * width
    const { raws } = masters
    const rowsOf = (image: Hdu | undefined, see?: Onlooker) => {
      if (!image) return undefined
      if (raws?.stored) return storedRows(image, width, size, see)
      const into = allocate(Float32Array, size)
      const read = alignedReader(image, frame, width, see)
      return (y: number, rows: number) => read(y, rows, into)
    }
    const errorOf = (master: Open | undefined) => (planes.hasError ? master?.error : undefined)
    const biasError = quietError(masters.bias, size) ?? rowsOf(errorOf(masters.bias))
    const flat = rowsOf(masters.flat?.image, masters.flat?.see)
    const flatError = rowsOf(errorOf(masters.flat))
    const dark = darkOf(masters, rowsOf, frame, width, size)
    const bias = rowsOf(raws?.bias?.image, raws?.bias?.see)
    const rawRows = raws?.stored && storedRaws(raws.stored.image, width, size, raws.stored.see)
    for (const { y, rows } of strips(0, height, width)) {
      const strip: Calibration = {
        ...{ biasError: biasError?.(y, rows), flat: flat?.(y, rows), flatError: flatError?.(y, rows) },
        ...{ ...dark?.(y, rows), minimumFlat: config.calibration['minimum flat'], scale, width },
      }
      for (const reading of detector.readings) {
        const { place } = reading.amplifier
        const [from, to] = [Math.max(y, place.y0), Math.min(y + rows, place.y1)]
        if (from >= to) continue
        const own = { gain: reading.gain, readNoise: noiseWithOverscan(reading) }
        // without a flat nothing else evens out what the gains of amplifiers differ by
        const even = masters.flat || config.frame.unit === 'adu' ? 1 : reading.gain / detector.gain
        const part = { ...strip, ...own, scale: scale * even }
        const linearity = linearityOf(reading.amplifier.name, config.linearity)
        if (whole && !linearity?.table) {
          const range = (plane: Float32Array) => plane.subarray(from * width, to * width)
          const bits = mask.subarray(from * width, to * width)
          const sigma = planes.hasError ? range(error) : undefined
          const before = raws && {
            ...{ overscan: levelsOf(reading, from, to), bias: bias?.(from, to - from), saturation: raws.saturation },
          }
          const stored = rawRows !== undefined
          const known = raws?.stored?.isFresh ? undefined : bits
          const now = { ...part, ...before, stored, linearity: linearity?.coefficients, signal: sigma, mask: known }
          const raw = rawRows?.(from, to - from) ?? range(pixels)
          calibratePixels(raw, now, { pixels: range(pixels), error: sigma, mask: bits })
          continue
        }
        for (let row = from; row < to; row++) {
          calibrateRow(planes, row, place.x0, place.x1, part, (row - y) * width, linearity)
        }
      }
    }
  })
}

/** The rows of the error of a bias that is not taken pixel by pixel. */
function quietError(bias: Open | undefined, size: number): ((y: number, rows: number) => Float32Array) | undefined {
  const read = bias?.quiet?.error
  if (!read) return undefined
  const into = allocate(Float32Array, size)
  return (y, rows) => read(y, rows, into)
}

/** The level of the overscan for each of some rows. */
function levelsOf({ overscan, amplifier: { place } }: Reading, from: number, to: number): Float32Array {
  const rows = overscan?.rows
  return Float32Array.from({ length: to - from }, (_, k) => (rows ? rows[from - place.y0 + k] : (overscan?.level ?? 0)))
}

/** The error of the overscan level is shared by many pixels; it counts all the same. */
function noiseWithOverscan({ readNoise, gain, overscan }: Reading): number {
  if (!overscan) return readNoise
  return Math.hypot(readNoise, gain * (overscan.lineError ?? overscan.error))
}

/** Rows of the dark: as they are stored, where the others are. */
function darkOf(
  { dark, darkRows, raws, bias }: Masters,
  rowsOf: (image: Hdu | undefined, see?: Onlooker) => ((y: number, rows: number) => Float32Array) | undefined,
  frame: ReductionJob['frame'],
  width: number,
  size: number,
) {
  if (!dark || !darkRows) return undefined
  if (!raws?.stored) return darkRowsOf(darkRows, bias?.image, frame, width, size)
  const read = rowsOf(dark.image, dark.see)!
  return (y: number, rows: number) => ({ dark: read(y, rows), darkScale: darkRows.scale })
}

/** Columns x0 … x1 of one row, for amplifiers side by side and for tables of linearity. */
function calibrateRow(
  { width, pixels, error, mask }: Planes,
  row: number,
  x0: number,
  x1: number,
  strip: Calibration,
  offset: number,
  linearity: Linearity | undefined,
): void {
  const here = <T extends Float32Array | Int16Array>(plane: T) =>
    plane.subarray(row * width + x0, row * width + x1) as T
  const there = (plane: Float32Array | undefined) => plane?.subarray(offset + x0, offset + x1)
  const part: Calibration = { ...strip, signal: here(error), mask: here(mask), width: x1 - x0 }
  for (const key of ['biasError', 'dark', 'darkError', 'flat', 'flatError'] as const) part[key] = there(strip[key])
  if (linearity?.table) {
    // The noise of net counts, times the slope of the table, enters as an error that nothing more is added to.
    const sigma = here(error)
    const net = here(pixels)
    for (let p = 0; p < net.length; p++) {
      const { slope } = byTable(linearity.table, sigma[p])
      const photons = Math.max(0, sigma[p]) / part.gain!
      const bias = part.biasError ? part.biasError[p] : 0
      const variance = (part.readNoise! / part.gain!) ** 2 + photons + (part.biasWeight ?? 1) * bias * bias
      sigma[p] = slope * Math.sqrt(Math.max(0, variance))
      net[p] = byTable(linearity.table, net[p]).value
    }
    Object.assign(part, { biasError: sigma, biasWeight: 1, signal: undefined, readNoise: 0, gain: Number.MAX_VALUE })
  } else part.linearity = linearity?.coefficients
  calibratePixels(here(pixels), part, { pixels: here(pixels), error: here(error), mask: here(mask) })
}
