import { describeFrame, headerFor, type InstrumentProfile, linearityCard, linearityOf } from '@nightpipe/config'
import {
  type CardValue,
  copyHeader,
  findCard,
  type Header,
  imageHdu,
  numberOf,
  openFits,
  removeCard,
  setCard,
} from '@nightpipe/fits'
import { type Orientation, orientPoint, type PatternFit, turnsAxes } from '@nightpipe/image'
import { makeTan, tanHeaderCards, tanWcs } from '@nightpipe/sky'
import type { Calibrated } from './calibrate-frame.js'
import type { ReductionJob } from './plan.js'
import type { ReductionConfig } from './schema.js'
import { tidyHeader } from './tidy-header.js'

/** What was measured on a reduced frame. */
export interface Measured {
  skyLevel: number
  skySigma: number
  /** Factor of the pattern of the sky. */
  pattern?: PatternFit
  saturated: number
  cosmic: number
  /** Counts of net signal at which the frame saturates, raw ADU above overscan and bias. */
  saturation: number
}

export const unitOf = ({ frame }: ReductionConfig) => frame.unit + (frame['per second'] ? '/s' : '')

/** The header of a reduced frame: that of the raw one, with what reducing changed and what was used for it. */
export function productHeader(
  job: ReductionJob,
  frame: Calibrated,
  measured: Measured,
  orientation: Orientation,
  config: ReductionConfig,
  profile: InstrumentProfile,
): Header {
  const header = rawHeader(job)
  tidyHeader(header)
  removeRawFacts(header, profile)
  moveCoordinates(header, job, frame, orientation, config)
  const set = (keyword: string, value: CardValue, comment: string) => setCard(header, keyword, value, comment)
  const { detector, scale } = frame
  const unit = unitOf(config)
  set('BUNIT', unit, 'unit of the pixels')
  set('GAIN', digits(detector.gain / scale), `[electron/${unit}] gain${detector.gainIsAssumed ? ', assumed' : ''}`)
  set('RDNOISE', digits(detector.readNoise), '[electron] read noise')
  if (Number.isFinite(measured.saturation)) {
    set('SATURATE', digits(measured.saturation * scale), `[${unit}] saturation above bias`)
  }
  if (Number.isFinite(measured.skyLevel)) set('SKYLEV', digits(measured.skyLevel), `[${unit}] sky level`)
  if (Number.isFinite(measured.skySigma)) {
    set('SKYSIG', digits(measured.skySigma), `[${unit}] noise of a pixel of the sky`)
  }
  set('NSAT', measured.saturated, 'pixels saturated, spilled charge included')
  set('NCOSMIC', measured.cosmic, 'pixels hit by cosmic rays')
  overscanCards(header, frame)
  for (const role of ['bias', 'dark', 'flat'] as const) {
    const master = job[role]
    const keyword = role.toUpperCase()
    set(`${keyword}FILE`, master?.name ?? 'none', `master ${role}`)
    if (master?.ageDays !== undefined) set(`${keyword}AGE`, digits(master.ageDays), '[d] frame minus master')
  }
  const linear = linearityCard(detector.readings.map(({ amplifier }) => linearityOf(amplifier.name, config.linearity)))
  if (linear) set('LINCORR', linear, 'non-linearity taken off')
  if (job.mask) set('MASKFILE', job.mask.split('/').at(-1), 'image of bad pixels')
  if (measured.pattern) {
    set('PATTFILE', job.pattern!.split('/').at(-1), 'pattern of the sky that was taken off')
    set('PATTSCAL', digits(measured.pattern.scale), 'factor of the pattern')
    set('PATTSERR', digits(measured.pattern.error), 'its error')
  }
  if (orientation !== 'none') set('ORIENTED', orientation, 'how the frame was turned')
  saySoToTheProfile(header, profile, { gain: detector.gain / scale, readNoise: detector.readNoise }, frame)
  return header
}

/** Seven digits: what a float32 plane is good for. */
const digits = (value: number) => Number(value.toPrecision(7))

/** The cards of the raw frame; for an image in an extension those of the primary HDU come first. */
function rawHeader({ frame }: ReductionJob): Header {
  const file = openFits(frame.path)
  try {
    const image = imageHdu(file, frame.hdu)
    const header = copyHeader(file.hdus[0]!.header)
    if (image.index > 0) {
      for (const { keyword, value, comment } of image.header.cards) {
        if (/^(COMMENT|HISTORY|)$/.test(keyword)) header.cards.push({ keyword, value, comment })
        else setCard(header, keyword, value, comment)
      }
    }
    for (const keyword of ['EXTNAME', 'EXTVER', 'EXTLEVEL', 'INHERIT']) removeCard(header, keyword)
    return header
  } finally {
    file.close()
  }
}

/** Sections, gain, noise and saturation of the raw frame hold no longer, under whatever name. */
function removeRawFacts(header: Header, { values }: InstrumentProfile): void {
  const { keywords, amplifiers } = values
  const facts = ['data section', 'overscan section', 'prescan', 'postscan', 'gain', 'read noise', 'saturation'] as const
  const ofAmplifiers = ['data section', 'overscan section', 'gain', 'read noise'] as const
  const names = facts.flatMap((fact) => keywords[fact])
  for (const fact of ofAmplifiers) {
    for (const name of amplifiers[fact]) names.push(...amplifiers.names.map((amp) => name.replaceAll('{amp}', amp)))
  }
  const always = ['CCDSEC', 'DETSEC', 'AMPSEC', 'DATAMIN', 'DATAMAX', 'NP_CMD', 'NP_VER', 'NP_CFG', 'NP_ID']
  for (const name of [...names, ...always]) {
    const keyword = name.split(/ unless /i)[0].trim()
    // products of keywords are settings of the camera, and stay
    if (!/[*/]/.test(keyword)) removeCard(header, keyword)
  }
}

/** A plate solution of the raw frame follows the trimming and turning; without one a first guess is written. */
function moveCoordinates(
  header: Header,
  { frame }: ReductionJob,
  { width, height }: Calibrated,
  orientation: Orientation,
  config: ReductionConfig,
): void {
  const { facts } = frame
  const [{ data, place }] = facts.amplifiers
  const { ps } = config.parameters
  const scale = ps ?? (facts.pixelScaleArcsec === undefined ? undefined : facts.pixelScaleArcsec / 3600)
  if (scale) setCard(header, 'PIXSCALE', digits(3600 * scale), '[arcsec] side of a pixel')
  for (const [keyword, shift] of [
    ['CRPIX1', data.x0 - place.x0],
    ['CRPIX2', data.y0 - place.y0],
  ] as const) {
    const before = numberOf(header, keyword)
    if (before !== undefined && shift !== 0) setCard(header, keyword, before - shift)
  }
  const lookup = (keyword: string) => findCard(header, keyword)?.value
  const wcs = tanWcs(lookup)
  if (wcs) {
    if (orientation !== 'none') turnCoordinates(header, wcs, orientation, width, height)
    return
  }
  if (!scale || facts.raDeg === undefined || facts.decDeg === undefined || findCard(header, 'CTYPE1')) return
  const turned = turnsAxes(orientation)
  const seed = makeTan({
    pixel: [((turned ? height : width) - 1) / 2, ((turned ? width : height) - 1) / 2],
    sky: [facts.raDeg, facts.decDeg],
    matrix: [-scale, 0, 0, scale],
  })
  for (const [keyword, value, comment] of tanHeaderCards(seed)) setCard(header, keyword, value, comment)
  setCard(header, 'WCSSEED', true, 'coordinates are a guess: pointing and scale')
}

function turnCoordinates(
  header: Header,
  wcs: NonNullable<ReturnType<typeof tanWcs>>,
  orientation: Orientation,
  width: number,
  height: number,
): void {
  const at = (x: number, y: number) => orientPoint(orientation, width, height, x, y)
  const centre = at(wcs.pixel[0], wcs.pixel[1])
  const [origin, right, up] = [at(0, 0), at(1, 0), at(0, 1)]
  // One step to the right in the raw frame is (right - origin) here; the matrix is turned back by it.
  const [xx, yx] = [right.x - origin.x, right.y - origin.y]
  const [xy, yy] = [up.x - origin.x, up.y - origin.y]
  const [a, b, c, d] = wcs.matrix
  const turned = makeTan({
    ...wcs,
    pixel: [centre.x, centre.y],
    matrix: [a * xx + b * xy, a * yx + b * yy, c * xx + d * xy, c * yx + d * yy],
  })
  for (const keyword of ['CDELT1', 'CDELT2', 'CROTA1', 'CROTA2', 'PC1_1', 'PC1_2', 'PC2_1', 'PC2_2']) {
    removeCard(header, keyword)
  }
  for (const [keyword, value, comment] of tanHeaderCards(turned)) setCard(header, keyword, value, comment)
}

function overscanCards(header: Header, { detector }: Calibrated): void {
  const measured = detector.readings.flatMap(({ overscan, amplifier }) => (overscan ? [{ overscan, amplifier }] : []))
  if (measured.length === 0) {
    setCard(header, 'OVERSCAN', 'none', 'overscan subtracted: method')
    return
  }
  setCard(header, 'OVERSCAN', measured[0].overscan.method, 'overscan subtracted: method')
  for (const [k, { overscan, amplifier }] of measured.entries()) {
    const of = measured.length > 1 ? ` of amplifier ${amplifier.name}` : ''
    const number = measured.length > 1 ? String(k + 1) : ''
    setCard(header, `OSLEVEL${number}`.slice(0, 8), digits(overscan.level), `[adu] overscan level${of}`)
    setCard(header, `OSNOIS${number}`.slice(0, 8), digits(overscan.noise), `[adu] noise of the overscan${of}`)
  }
}

/** What the profile would still read differently from this header is said under the profile's own keywords. */
function saySoToTheProfile(
  header: Header,
  profile: InstrumentProfile,
  facts: { gain: number; readNoise: number },
  { width, height }: Calibrated,
): void {
  const lookup = (keyword: string) => {
    const value = findCard(header, keyword)?.value
    return typeof value === 'bigint' ? Number(value) : value
  }
  const read = describeFrame(lookup, profile, { width, height })
  const same = (a: number | undefined, b: number) => a !== undefined && Math.abs(a - b) <= 1e-6 * Math.abs(b)
  if (same(read.gain, facts.gain) && same(read.readNoise, facts.readNoise)) return
  for (const [keyword, value, comment] of headerFor(
    { gain: digits(facts.gain), readNoise: facts.readNoise },
    profile,
  )) {
    setCard(header, keyword, value, comment)
  }
}
