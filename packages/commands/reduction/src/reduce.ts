import { rmSync } from 'node:fs'
import { basename } from 'node:path'
import { DataError, type Job, type Row, type Tools, writeProductBehind } from '@nightpipe/command'
import {
  companion,
  createHeader,
  type Hdu,
  type Header,
  imageHdu,
  type NewHdu,
  openFits,
  setCard,
  sideHdus,
} from '@nightpipe/fits'
import {
  type CosmicRays,
  countMask,
  findCosmicRays,
  fitPattern,
  growBleeding,
  interpolatePixels,
  type OnlyHere,
  type Orientation,
  orientPixels,
  type PatternFit,
  type SkySample,
  sampleSky,
  skyLevel,
  skyPixels,
  subtractPatternInPlace,
  turnsAxes,
} from '@nightpipe/image'
import { scoped } from '@nightpipe/kernels'
import { type Calibrated, calibrateFrame } from './calibrate-frame.js'
import { compareWithOthers } from './compare.js'
import { levelUnder } from './detector.js'
import { errorsOfSky } from './errors-of-sky.js'
import { INTERPOLATED, type ReductionJob } from './plan.js'
import { alignedReader } from './planes.js'
import { type Measured, productHeader, unitOf } from './product-header.js'
import { darkFibre, scatteredCards, type Turned, takeScatteredOff, tracesFor, tracesOnLight } from './scattered.js'
import type { ReductionConfig, ReductionSchema } from './schema.js'
import { isSpectrograph, settle, settleFor } from './settle.js'
import { lightTrouble } from './spectrum-light.js'
import { agreedWithItsSum } from './whole.js'

/** What became of a frame, and when its product will be on disk. */
interface Reduced {
  rows: Row[]
  done?: Promise<void>
}

/** One raw frame to one reduced frame. */
export async function reduceFrame(job: Job<ReductionJob>, given: Tools<ReductionSchema>): Promise<Row[]> {
  const config = settleFor(job.params.kind, settle(given.config, given.profile))
  const { rows, done } = reduced(job, { ...given, config })
  await done // the memory is given back by now: another frame is reduced meanwhile
  return rows
}

function reduced(job: Job<ReductionJob>, tools: Tools<ReductionSchema>): Reduced {
  const { config } = tools
  return scoped((): Reduced => {
    const frame = calibrateFrame(job.params, config)
    warn(job, tools)
    const counted = countMask(frame.mask)
    const reason = unusable(frame, counted, job.params, tools)
    if (reason) return { rows: setAside(job, reason, tools) }
    const { measured, cosmic, onlyHere } = maskFrame(frame, counted.saturated, job.params, tools)
    const orientation = orientationOf(job.params, config)
    const turned = turn(frame, orientation, config)
    const spectra = job.params.traces ? spectraOf(turned, job.params, tools) : undefined
    if (spectra?.reason) return { rows: setAside(job, spectra.reason, tools) }
    const header = productHeader(job.params, frame, measured, orientation, config, tools.profile)
    if (spectra) scatteredCards(header, job.params.traces!, spectra.scattered, unitOf(config))
    singleCards(header, job.params)
    const hdus = planesOf(turned, config)
    const { target: product, done } = writeProductBehind(
      job.products[0],
      [{ ...hdus[0], header }, ...hdus.slice(1), ...carried(job, tools)],
      tools.context,
      job.parents,
    )
    const measurements = {
      ...measurementsOf(job.params, frame, measured, cosmic, onlyHere),
      ...(spectra && { scattered: spectra.scattered?.median, traces: basename(job.params.traces!) }),
    }
    return { rows: [{ input: job.inputs[0], status: 'done', product, measurements }], done }
  })
}

/** Spectra that are set aside now may have been reduced before (without traces): what was made then would be extracted. */
function setAside(job: Job<ReductionJob>, reason: string, { profile }: Tools<ReductionSchema>): Row[] {
  if (isSpectrograph(profile)) rmSync(job.products[0], { force: true })
  return [{ input: job.inputs[0], status: 'rejected', reason }]
}

const STALE_SUM = 'the data do not agree with their DATASUM: damaged, or changed without a new sum'

function warn({ params }: Job<ReductionJob>, { log }: Tools<ReductionSchema>): void {
  const { name, facts } = params.frame
  for (const note of facts.notes) log.detail(`${name}: ${note}`)
  if (!agreedWithItsSum(params.frame.path)) log.warn(`${name}: ${STALE_SUM}`)
}

/** What the tree of a spectrograph knows a single calibration by. */
function singleCards(header: Header, { kind, frame }: ReductionJob): void {
  if (!kind) return
  setCard(header, 'NFRAVGD', 1, 'frames averaged')
  setCard(header, 'NFRAMES', 1, 'frames combined')
  setCard(header, 'RLEVEL', 91, 'reduction level')
  if (kind === 'BIAS') return
  setCard(header, 'TOTALEXP', frame.facts.exposureSeconds, '[s] exposure of the frame')
  setCard(header, 'EXPTIME', 1, '[s] exposure that the values are for')
}

/** The tables beside the image of a spectrograph's container: when its light came, and where the telescopes pointed. */
function carried({ params }: Job<ReductionJob>, { profile, log }: Tools<ReductionSchema>): NewHdu[] {
  if (!isSpectrograph(profile) || params.kind) return []
  const file = openFits(params.frame.path)
  try {
    return sideHdus(file, imageHdu(file, params.frame.hdu))
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    log.warn(`${params.frame.name}: tables beside the image are left behind: ${error.message}`)
    return []
  } finally {
    file.close()
  }
}

/** Why a frame is set aside, or undefined. */
function unusable(
  frame: Calibrated,
  { saturated, noData }: ReturnType<typeof countMask>,
  job: ReductionJob,
  tools: Tools<ReductionSchema>,
): string | undefined {
  const { pixels } = frame
  const { select } = tools.config
  if (noData === pixels.length) return 'no pixel has a value'
  const fraction = saturated / pixels.length
  if (fraction <= select.saturated) {
    return isSpectrograph(tools.profile) && !job.kind
      ? lightTrouble(frame, job.frame.facts.type, tools.config)
      : undefined
  }
  return `${(100 * fraction).toFixed(1)} % of the pixels are saturated (set aside over ${100 * select.saturated} %)`
}

/** More of a frame than this is not hit by cosmic rays: then its noise is not what it is said to be. */
const MOST_HIT = 0.05

/** More saturation than this is no star that spills over. */
const MOST_BLEEDING = 0.05

/**
 * Bleeding, cosmic rays, interpolation and the sky: what needs the calibrated frame as a whole. `atFirst` are the pixels
 * that are saturated before charge is followed to where it spilled.
 */
function maskFrame(frame: Calibrated, atFirst: number, job: ReductionJob, { config, log }: Tools<ReductionSchema>) {
  const { others = [] } = job
  const { pixels, error, mask, width, height, detector } = frame
  const map = sampleSky(pixels, width, height, { mask })
  if (frame.hasError) errorsOfSky(error, map.medianSigma, detector)
  const { bleed, clip } = config.saturation
  let spilled = 0
  if (atFirst < MOST_BLEEDING * mask.length) {
    const noise = (p: number) => (frame.hasError ? error[p] : map.medianSigma)
    const sky = { level: map.medianLevel, noise }
    spilled = growBleeding(pixels, mask, width, height, sky, { along: bleed, clip })
  }
  const { method } = config['cosmic rays']
  const cosmic =
    method === 'none' || method === 'auto' ? undefined : findCosmicRays(frame, { ...config['cosmic rays'], method })
  const onlyHere = others.length > 0 ? compareWithOthers(frame, others, cosmic, config, log) : undefined
  const sample = skyPixels(pixels, width, height, mask, map, config.parameters.detect_thresh)
  const pattern = job.pattern ? takePatternOff(frame, job, sample) : undefined
  const sky = skyLevel(pixels, width, map, sample)
  const bits = config.interpolate.bits.reduce((all, word) => all | INTERPOLATED[word.toLowerCase()], 0)
  if (bits) interpolatePixels(frame, bits)
  const looked = cosmic !== undefined || onlyHere !== undefined
  const { saturated, cosmicRay } = looked ? countMask(mask) : { saturated: atFirst + spilled, cosmicRay: 0 }
  if (cosmicRay > MOST_HIT * mask.length) {
    const percent = ((100 * cosmicRay) / mask.length).toFixed(0)
    log.warn(`${job.frame.name}: ${percent} % of the pixels are marked as cosmic rays (are gain and read noise right?)`)
  }
  const measured: Measured = {
    ...{ skyLevel: sky.level, skySigma: sky.sigma, pattern, saturated, cosmic: cosmicRay },
    saturation: detector.saturation - levelUnder(detector, frame.biasLevel),
  }
  return { measured, cosmic, onlyHere }
}

/** Fits the pattern of the sky to a frame and takes it off; returns its factor and error. */
function takePatternOff(frame: Calibrated, job: ReductionJob, { positions }: SkySample): PatternFit {
  const file = openFits(job.pattern!)
  try {
    const image = imageHdu(file)
    const error = companion(file, image, 'ERR')
    const n = frame.pixels.length
    const read = (hdu: Hdu) => alignedReader(hdu, job.frame, frame.width)(0, frame.height, new Float32Array(n))
    const pattern = read(image)
    const fit = fitPattern(frame.pixels, pattern, positions)
    const planes = { pixels: frame.pixels, error: frame.hasError ? frame.error : undefined }
    subtractPatternInPlace(planes, pattern, error && read(error), positions, fit.scale)
    return fit
  } finally {
    file.close()
  }
}

/** Scattered light off, and whether the light is where the header says: on the frame with its dispersion along x. */
function spectraOf(turned: Turned, job: ReductionJob, { config, log, profile }: Tools<ReductionSchema>) {
  const upright = profile.values.spectrograph.dispersion === 'y'
  const laid = upright ? turn(turned, 'transpose', config) : turned
  const traces = tracesOnLight(laid, tracesFor(job.traces!, laid), job.frame)
  const scattered = takeScatteredOff(laid, traces, job.frame, config)
  if (!scattered) log.detail(`${job.frame.name}: its orders leave no room to see scattered light`)
  const reason = scattered && config.frame.error ? darkFibre(laid, traces, job.frame, config) : undefined
  if (upright) turned.pixels.set(orientPixels(laid.pixels, laid.width, laid.height, 'transpose'))
  return { scattered, reason }
}

/** The turn of the profile, under the name that the image library has for it. */
function orientationOf({ frame }: ReductionJob, config: ReductionConfig): Orientation {
  const said = config.frame.orient ? (frame.facts.orientation ?? 'none') : 'none'
  const names: Record<string, Orientation> = {
    ...{ 'rotate-90': 'rotate90', 'rotate-180': 'rotate180', 'rotate-270': 'rotate270' },
    ...{ 'flip-x': 'flipX', 'flip-y': 'flipY', transpose: 'transpose' },
  }
  return names[said] ?? 'none'
}

/** The planes of a frame as they are to lie. */
function turn({ width, height, pixels, error, mask }: Turned, orientation: Orientation, config: ReductionConfig) {
  if (orientation === 'none') return { width, height, pixels, error, mask }
  const lie = <T extends Float32Array | Int16Array>(plane: T): T => orientPixels(plane, width, height, orientation)
  const turned = turnsAxes(orientation)
  return {
    ...{ width: turned ? height : width, height: turned ? width : height },
    ...{ pixels: lie(pixels), error: config.frame.error ? lie(error) : error, mask: lie(mask) },
  }
}

function planesOf({ width, height, pixels, error, mask }: Turned, config: ReductionConfig): NewHdu[] {
  const axes = [width, height]
  const unit = (bunit: string) => createHeader([['BUNIT', bunit, 'unit of the pixels']])
  const hdus: NewHdu[] = [{ kind: 'image', bitpix: -32, axes, pixels }]
  if (config.frame.error) {
    hdus.push({ kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: error, header: unit(unitOf(config)) })
  }
  if (config.frame.mask) {
    hdus.push({ kind: 'image', name: 'MASK', bitpix: 16, axes, pixels: mask, header: unit('') })
  }
  return hdus
}

function measurementsOf(
  job: ReductionJob,
  { detector }: Calibrated,
  measured: Measured,
  cosmic?: CosmicRays,
  onlyHere?: OnlyHere & { compared: number },
) {
  const { facts } = job.frame
  const age = (role: 'bias' | 'dark' | 'flat') => job[role]?.ageDays
  return {
    ...{ instrument: facts.instrument, filter: facts.filter, object: facts.object, exposure_s: facts.exposureSeconds },
    ...{ sky: measured.skyLevel, sky_sigma: measured.skySigma, pattern: measured.pattern?.scale },
    overscan_adu: detector.readings[0].overscan?.level,
    ...{ gain_e_adu: detector.gain, readnoise_e: detector.readNoise },
    ...{ saturated: measured.saturated, cosmic: measured.cosmic, star_fwhm_px: cosmic?.fwhm },
    ...{ compared: onlyHere?.compared, only_here: onlyHere?.pixels, streak_px: onlyHere?.longest },
    ...{ bias: job.bias?.name, bias_age_d: age('bias') },
    ...{ dark: job.dark?.name, dark_age_d: age('dark') },
    ...{ flat: job.flat?.name, flat_age_d: age('flat') },
  }
}
