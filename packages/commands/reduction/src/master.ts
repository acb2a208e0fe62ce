import { basename } from 'node:path'
import { DataError, productHeader, readProvenance } from '@nightpipe/command'
import { describeFrame, type FrameFacts, type InstrumentProfile } from '@nightpipe/config'
import { cardLookup, frameHdu, type Header, numberOf, openFits, textOf } from '@nightpipe/fits'
import type { RawFrame } from './frames.js'

export type MasterRole = 'bias' | 'dark' | 'flat'

/** What the header of a master tells. Plain data. */
export interface Master {
  path: string
  name: string
  role: MasterRole
  width: number
  height: number
  /** What the master itself says it is, when it is one of ours. */
  type?: string
  instrument?: string
  camera?: string
  filter?: string
  binning?: string
  readMode?: string
  mjd?: number
  unit?: string
  /** Exposure that the values are for. */
  exposureSeconds?: number
  gain?: number
  /** Of each amplifier, when there are several. */
  gains?: number[]
  /** ADU, as measured on biases: of each amplifier, or of all. */
  readNoisesAdu?: number[]
  /** How the overscan of its frames was treated. */
  overscan?: string
  level?: number
  /** Our identity of it, and of the bias that a dark was made with. */
  id?: string
  biasId?: string
  /** Exposure of the frames of a dark. */
  frameSeconds?: number
}

/** Reads the header of a master, of ours or of other software. */
export function describeMaster(path: string, role: MasterRole, profile: InstrumentProfile): Master {
  const file = openFits(path)
  try {
    const image = frameHdu(file)
    const { header } = image
    const [width, height] = image.axes as [number, number]
    const lookup = cardLookup(image)
    const kind = /^master (\w+)$/.exec(textOf(header, 'IMAGETYP') ?? '')?.[1]
    const ours = kind !== undefined
    // masters of a spectrograph's tree keep the cards of their frames, and so are read like those
    const made = ours || productHeader(path) !== undefined
    const facts = describeFrame(lookup, profile, { width, height, name: basename(path) })
    const known = (value: string | undefined) => (value === 'unknown' ? undefined : value)
    return {
      ...{ path, name: basename(path), role, width, height },
      type: kind ?? known(facts.type),
      instrument: ours ? textOf(header, 'INSTRUME') : known(facts.instrument),
      camera: ours ? textOf(header, 'CAMERA') : facts.camera,
      filter: ours ? textOf(header, 'FILTER') : facts.filter,
      binning: ours ? textOf(header, 'BINNING') : undefined,
      readMode: ours ? textOf(header, 'READMODE') : facts.readMode,
      mjd: ours ? numberOf(header, 'MJD-OBS') : facts.mjd,
      unit: textOf(header, 'BUNIT')?.toLowerCase(),
      exposureSeconds: ours ? numberOf(header, 'EXPTIME') : facts.exposureSeconds,
      ...(made && { gain: numberOf(header, 'GAIN'), gains: numbered(header, 'GAIN') }),
      readNoisesAdu: made ? (numbered(header, 'RDNADU') ?? positive(numberOf(header, 'RDNADU'))) : undefined,
      overscan: made ? textOf(header, 'OVERSCAN') : undefined,
      level: made ? numberOf(header, 'MEDIAN') : undefined,
      ...(productHeader(path) && makingOf(path, header)),
    }
  } finally {
    file.close()
  }
}

/** Who a master of ours is, and what of its making matters to its errors. */
function makingOf(path: string, header: Header): Pick<Master, 'id' | 'biasId' | 'frameSeconds'> {
  const { id, parents } = readProvenance(path)
  const [total, frames] = [numberOf(header, 'TOTALEXP'), numberOf(header, 'NFRAMES')]
  const frameSeconds = total !== undefined && frames ? total / frames : undefined
  return { id, biasId: parents.find(({ role }) => role === 'bias')?.id, frameSeconds }
}

/** KEYWORD1, KEYWORD2 … of a header; undefined when there is none. */
function numbered(header: Header, keyword: string): number[] | undefined {
  const values: number[] = []
  for (let value = numberOf(header, `${keyword}1`); value !== undefined && value > 0; ) {
    values.push(value)
    value = numberOf(header, `${keyword}${values.length + 1}`)
  }
  return values.length > 0 ? values : undefined
}

const positive = (value: number | undefined) => (value !== undefined && value > 0 ? [value] : undefined)

/** Why a master cannot serve a frame, in one line with both values; undefined when it can. */
export function misfit(master: Master, frame: RawFrame): string | undefined {
  const { facts } = frame
  const { name, role } = master
  if (master.type && master.type !== role) return `${name} is a ${master.type}, not a ${role}`
  const differs = (what: string, has: string | undefined, needs: string | undefined) =>
    has !== undefined && needs !== undefined && has !== needs ? `${name} is of ${what} ${has}, not ${needs}` : undefined
  const why =
    differs('instrument', master.instrument, facts.instrument === 'unknown' ? undefined : facts.instrument) ??
    differs('camera', master.camera, facts.camera) ??
    differs('binning', master.binning, facts.binning.join('x')) ??
    differs('read-out mode', master.readMode, facts.readMode) ??
    (role === 'flat' ? differs('filter', master.filter, facts.filter) : undefined)
  if (why) return why
  if (placeOf(master, frame) !== undefined) return undefined
  const { width, height } = trimmedSize(facts)
  return `${name} is ${master.width}x${master.height}, but the frame is ${width}x${height}${cutFrom(frame)}`
}

const cutFrom = ({ width, height, facts }: RawFrame) => {
  const trimmed = trimmedSize(facts)
  return trimmed.width === width && trimmed.height === height ? '' : ` (${width}x${height} with its overscan)`
}

/** The size of a frame when its amplifiers are put side by side, overscans cut off. */
export function trimmedSize({ amplifiers }: FrameFacts): { width: number; height: number } {
  return {
    width: Math.max(...amplifiers.map(({ place }) => place.x1)),
    height: Math.max(...amplifiers.map(({ place }) => place.y1)),
  }
}

/**
 * Where the pixels of a frame lie in an image that belongs to it: it may be of the size of the reduced frame ('trimmed'),
 * of the light-sensitive part with what lies between its amplifiers ('data'), or of the raw frame.
 */
export type Layout = 'trimmed' | 'data' | 'raw'

export function placeOf(
  image: { width: number; height: number },
  { width, height, facts }: RawFrame,
): Layout | undefined {
  const trimmed = trimmedSize(facts)
  const { x0, y0, x1, y1 } = facts.data
  if (image.width === trimmed.width && image.height === trimmed.height) return 'trimmed'
  if (image.width === x1 - x0 && image.height === y1 - y0) return 'data'
  return image.width === width && image.height === height ? 'raw' : undefined
}

/** For messages: what is missing, and what can be done about it. */
export function missing(role: MasterRole, frame: RawFrame, why: string): DataError {
  const { instrument, filter } = frame.facts
  const of = role === 'flat' ? `${instrument}, filter ${filter ?? 'unknown'}` : instrument
  return new DataError(
    `needs a master ${role} of ${of}, and there is none${why}`,
    `name one in [calibration] ${role}, add ${role} frames to the input, or do without: ${role} = none`,
  )
}
