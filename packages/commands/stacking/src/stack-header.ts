import {
  type Card,
  type CardValue,
  copyHeader,
  createHeader,
  type Header,
  imageHdu,
  type NewHdu,
  openFits,
  setCard,
} from '@nightpipe/fits'
import { medianOf } from '@nightpipe/math'
import type { Matched } from './match-frames.js'
import type { StackJob } from './plan.js'
import type { Canvas, Plane } from './recipe.js'
import type { StackingConfig } from './schema.js'

/** What is true of one frame only, or of its pixels as they were. */
const OF_ONE =
  /^(ALIGN(REF|MOD|NUM|RMS)|RESAMPLE|GRID[XY]0|NOISEFAC|SKYLEV|SKYSIG|NSAT|NCOSMIC|(BIAS|DARK|FLAT)(FILE|AGE)|EXTNAME|EXTVER|EXTLEVEL|INHERIT|DATASUM|CHECKSUM|NP_(CMD|VER|CFG|ID)|BSCALE|BZERO|BLANK|DATAMIN|DATAMAX|WCSAXES|(TRIM|DATA|BIAS|CCD|DET|AMP)SEC\d*)$/
const REPEATED = /^(COMMENT|HISTORY|CONTINUE|HIERARCH|)$/

const digits = (value: number) => Number(value.toPrecision(7))

export interface About {
  job: StackJob
  matched: readonly Matched[]
  planes: readonly Plane[]
  reference: number
  canvas: Canvas
  level: number
  config: StackingConfig
}

/** The header of a stack: that of its reference, with what is true of all frames together. */
export function stackHeader(about: About): Header {
  const { job, matched, planes, reference, config, level } = about
  const header = referenceHeader(about)
  const set = (keyword: string, value: CardValue, comment: string) => setCard(header, keyword, value, comment)
  if (job.object) set('OBJECT', job.object, 'field')
  if (job.all) set('FILTER', 'all', 'frames of several filters')
  set('STACKREF', matched[reference].frame.name, 'frame whose flux scale and sky it has')
  set('STACKMET', config.combine.method, 'combination')
  set('STACKWGT', config.combine.weights, 'what frames weigh by')
  set('NCOMBINE', matched.length, 'frames')
  const times = matched.map(({ frame }) => frame.exposureSeconds).filter((time) => time !== undefined)
  if (times.length === matched.length)
    set('EXPTOTAL', digits(times.reduce((sum, time) => sum + time, 0)), '[s] exposure of all frames')
  const mjds = matched.map(({ frame }) => frame.mjd).filter((mjd) => mjd !== undefined)
  if (mjds.length > 0) {
    set('MJDFIRST', Math.min(...mjds), '[d] start of the first frame')
    set('MJDLAST', Math.max(...mjds), '[d] start of the last frame')
  }
  detectorCards(set, planes, level, config)
  set('SKYLEV', digits(level), 'level of the sky')
  const seeing = weightedMean(matched, ({ stars }) => stars.seeing)
  if (seeing !== undefined) set('SEEING', digits(seeing), '[pix] mean full width at half maximum of frames')
  const factor = weightedMean(matched, ({ frame }) => frame.noiseFactor)
  if (factor !== undefined) set('NOISEFAC', digits(factor), 'noise of large sums over that of ERR')
  // measured when all pixels are there
  set('NREJECT', 0, 'samples set aside')
  set('COVERAGE', 0, 'mean number of frames in a pixel')
  set('NSAT', 0, 'pixels saturated')
  return header
}

/**
 * Gain, read noise and saturation of the stack, as if it were one exposure: a star of flux F has the photon noise
 * √(F / gain), with the gain that the weighted mean of the frames has.
 */
function detectorCards(
  set: (keyword: string, value: CardValue, comment: string) => void,
  planes: readonly Plane[],
  level: number,
  config: StackingConfig,
): void {
  const weighs =
    config.combine.method === 'clip' || config.combine.method === 'mean' || config.combine.method === 'linear'
  const weight = (plane: Plane) => (weighs ? plane.weight : 1)
  const sum = (of: (plane: Plane) => number) => planes.reduce((total, plane) => total + of(plane), 0)
  const total = sum(weight)
  const loss = config.combine.method === 'median' && planes.length > 2 ? Math.PI / 2 : 1
  const perFlux = (loss * sum((p) => weight(p) ** 2 * p.scale * (1 / (p.frame.gain ?? Number.NaN)))) / total ** 2
  if (perFlux > 0) {
    set('GAIN', digits(1 / perFlux), '[electron/unit] effective gain')
    const read =
      (loss * sum((p) => (weight(p) * p.scale * ((p.frame.readNoise ?? Number.NaN) / p.frame.gain!)) ** 2)) / total ** 2
    if (read >= 0) set('RDNOISE', digits(Math.sqrt(read) / perFlux), '[electron] effective read noise')
  }
  const full = planes.map(({ frame, offset, scale }) => ((frame.saturation ?? Number.NaN) - offset) * scale + level)
  const lowest = Math.min(...full)
  if (Number.isFinite(lowest)) set('SATURATE', digits(lowest), 'level at which the first frame saturates')
}

function weightedMean(matched: readonly Matched[], of: (one: Matched) => number): number | undefined {
  const known = matched.filter((one) => Number.isFinite(of(one)) && one.weight > 0)
  const total = known.reduce((sum, { weight }) => sum + weight, 0)
  return total > 0 ? known.reduce((sum, one) => sum + one.weight * of(one), 0) / total : undefined
}

/** The cards of the reference; its plate solution, moved to the first pixel of the stack. */
function referenceHeader({ matched, reference, canvas }: About): Header {
  const { frame } = matched[reference]
  const file = openFits(frame.path)
  try {
    const image = imageHdu(file)
    const header = copyHeader(file.hdus[0]!.header)
    if (image.index > 0) {
      for (const { keyword, value, comment } of image.header.cards) {
        if (!REPEATED.test(keyword)) setCard(header, keyword, value, comment)
      }
    }
    const seen = new Set<string>()
    const kept = header.cards.flatMap((card): Card[] => {
      if (REPEATED.test(card.keyword)) return card.keyword === 'HISTORY' ? [] : [card]
      if (seen.has(card.keyword) || OF_ONE.test(card.keyword)) return []
      seen.add(card.keyword)
      const shift =
        card.keyword === 'CRPIX1' ? canvas.x0 - frame.x0 : card.keyword === 'CRPIX2' ? canvas.y0 - frame.y0 : 0
      return [typeof card.value === 'number' ? { ...card, value: card.value - shift } : card]
    })
    header.cards.splice(0, header.cards.length, ...kept)
    if (!seen.has('BUNIT')) setCard(header, 'BUNIT', 'adu', 'unit of the pixels')
    if (canvas.x0 !== 0) setCard(header, 'GRIDX0', canvas.x0, 'first pixel on the grid of the reference')
    if (canvas.y0 !== 0) setCard(header, 'GRIDY0', canvas.y0, 'first pixel on the grid of the reference')
    return header
  } finally {
    file.close()
  }
}

/** A row for each frame: how it went into the stack. */
export function framesTable(matched: readonly Matched[]): NewHdu {
  const numbers = (of: (one: Matched) => number) => Float64Array.from(matched, of)
  const largest = Math.max(...matched.map(({ weight }) => weight), Number.MIN_VALUE)
  return {
    kind: 'table',
    name: 'FRAMES',
    rows: matched.length,
    header: createHeader([
      ['WEIGHT1', medianOf(matched.map(({ weight }) => weight)), 'median weight before it is made relative'],
    ]),
    columns: [
      { name: 'FILE', values: matched.map(({ frame }) => frame.name), comment: 'frame' },
      { name: 'SCALE', values: numbers(({ scale }) => scale), comment: 'its pixels were multiplied by this' },
      { name: 'SCALEERR', values: numbers(({ scaleError }) => scaleError), comment: 'error of that' },
      {
        name: 'NSTARS',
        values: Int32Array.from(matched, ({ common }) => common),
        comment: 'stars that the scale is from',
      },
      { name: 'OFFSET', values: numbers(({ offset }) => offset), comment: 'subtracted before' },
      { name: 'WEIGHT', values: numbers(({ weight }) => weight / largest), comment: 'over that of the best frame' },
      {
        name: 'SEEING',
        unit: 'pix',
        values: numbers(({ stars }) => stars.seeing),
        comment: 'full width at half maximum',
      },
      { name: 'SKY', values: numbers(({ stars }) => stars.sky), comment: 'median sky' },
      { name: 'SKYSIG', values: numbers(({ stars }) => stars.skySigma), comment: 'noise of a pixel of the sky' },
    ],
  }
}
