import { describeFrame, type FrameFacts, type InstrumentProfile } from '@nightpipe/config'
import { DataError } from '@nightpipe/files'
import {
  cardLookup,
  companion,
  type Hdu,
  type Header,
  imageHdu,
  readIntegers,
  readPixels,
  withFits,
} from '@nightpipe/fits'
import { type Frame, type Orientation, orient, overscanLevel, turnsAxes } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { litFibres } from './fibres.js'

/** A frame with orders, its dispersion along x. */
export interface OrderFrame extends Frame {
  path: string
  header: Header
  facts: FrameFacts
  /** fibres with light; undefined where the header does not say */
  lit?: number[]
  /** calibrated frames have ERR and MASK; of raw ones overscan and borders are off, and the bias may still be in */
  calibrated: boolean
  error: Float32Array
  mask: Int16Array
}

/** The facts of a frame, from its header only. */
export interface OrderFrameFacts {
  width: number
  height: number
  facts: FrameFacts
  lit?: number[]
  calibrated: boolean
}

/** What a frame is, without reading its pixels; width and height are those it has once it is trimmed and turned. */
export function describeOrderFrame(path: string, shown: string, profile: InstrumentProfile): OrderFrameFacts {
  return withFits(path, (file) => {
    const image = imageHdu(file)
    const facts = factsOf(image, shown, profile)
    const calibrated = companion(file, image, 'ERR') !== undefined
    const { x0, y0, x1, y1 } = placeOf(facts, image, calibrated)
    const turned = turnOf(facts, profile, calibrated).filter(turnsAxes).length % 2 === 1
    const [width, height] = turned ? [y1 - y0, x1 - x0] : [x1 - x0, y1 - y0]
    return { width, height, facts, calibrated, ...(facts.fibres ? { lit: litFibres(facts.fibres) } : {}) }
  })
}

/**
 * Reads a frame for work on its orders, calibrated or raw. Of a raw one each amplifier loses its overscan, the borders are
 * cut off, and the errors are those of counting and of reading. Where the profile says that the dispersion runs along y
 * the frame is turned (transposed). With `lent` a calibrated frame that need not be turned lies in kernel memory: call it
 * within `scoped`. `unturned`: calibrated, but made of raw frames as they lay.
 */
export function readOrderFrame(
  path: string,
  shown: string,
  profile: InstrumentProfile,
  lent = false,
  unturned = false,
): OrderFrame {
  return withFits(path, (file) => {
    const image = imageHdu(file)
    const facts = factsOf(image, shown, profile)
    const errors = companion(file, image, 'ERR')
    const masks = companion(file, image, 'MASK')
    const plain = errors ? calibratedFrame(image, errors, masks, lent) : rawFrame(image, facts)
    const frame = turnOf(facts, profile, errors !== undefined && !unturned).reduce(orient, { ...plain, name: shown })
    const { header } = image
    const lit = facts.fibres ? { lit: litFibres(facts.fibres) } : {}
    return { ...frame, path, header, facts, calibrated: errors !== undefined, ...lit }
  })
}

type Planes = Required<Frame>

function factsOf(image: Hdu, shown: string, profile: InstrumentProfile): FrameFacts {
  const [width, height] = image.axes as [number, number]
  return describeFrame(cardLookup(image) as never, profile, { width, height, name: shown })
}

function placeOf(facts: FrameFacts, { axes }: Hdu, calibrated: boolean) {
  const [width, height] = axes as [number, number]
  if (calibrated || facts.amplifiers.length === 0) return { x0: 0, y0: 0, x1: width, y1: height }
  const places = facts.amplifiers.map(({ place }) => place)
  return {
    x0: 0,
    y0: 0,
    x1: Math.max(...places.map(({ x1 }) => x1)),
    y1: Math.max(...places.map(({ y1 }) => y1)),
  }
}

const NAMES: Record<string, Orientation> = {
  ...{ 'rotate-90': 'rotate90', 'rotate-180': 'rotate180', 'rotate-270': 'rotate270' },
  ...{ 'flip-x': 'flipX', 'flip-y': 'flipY', transpose: 'transpose' },
}

/** What brings the dispersion along x: the turn of the camera, which calibrated frames have had, and that of the profile. */
function turnOf(facts: FrameFacts, profile: InstrumentProfile, calibrated: boolean): Orientation[] {
  const own: Orientation = calibrated ? 'none' : (NAMES[facts.orientation ?? ''] ?? 'none')
  const turns: Orientation[] = [own, profile.values.spectrograph.dispersion === 'y' ? 'transpose' : 'none']
  return turns.filter((turn) => turn !== 'none')
}

function calibratedFrame(image: Hdu, errors: Hdu, masks: Hdu | undefined, lent: boolean): Planes {
  const [width, height] = image.axes as [number, number]
  const range = { plane: 0 }
  const size = width * height
  const pixels = readPixels(image, lent ? { ...range, into: allocate(Float32Array, size) } : range)
  const mask = lent ? allocate(Int16Array, size) : new Int16Array(size)
  if (lent && !masks) mask.fill(0)
  if (masks) readIntegers(masks, { ...range, into: mask })
  const error = readPixels(errors, lent ? { ...range, into: allocate(Float32Array, size) } : range)
  return { name: '', width, height, pixels, error, mask }
}

function rawFrame(image: Hdu, facts: FrameFacts): Planes {
  const [fullWidth, fullHeight] = image.axes as [number, number]
  const { x1: width, y1: height } = placeOf(facts, image, false)
  const size = width * height
  const planes = { pixels: new Float32Array(size), error: new Float32Array(size), mask: new Int16Array(size) }
  scoped(() => {
    const raw = readPixels(image, { plane: 0, into: allocate(Float32Array, fullWidth * fullHeight) })
    for (const amplifier of facts.amplifiers) takeAmplifier(raw, fullWidth, amplifier, facts, planes, width)
  })
  return { name: '', width, height, ...planes }
}

/** The part of one amplifier, net of its overscan; `raw` lies in kernel memory. */
function takeAmplifier(
  raw: Float32Array,
  fullWidth: number,
  { data, place, overscan, gain = 1, readNoise = 0 }: FrameFacts['amplifiers'][number],
  { saturation = Number.POSITIVE_INFINITY }: FrameFacts,
  { pixels, error, mask }: Pick<Planes, 'pixels' | 'error' | 'mask'>,
  width: number,
): void {
  const method = { method: 'rows', fit: 'smooth', window: 17, order: 3 } as const
  const level = overscan ? overscanLevel(raw, fullWidth, overscan, data, method) : undefined
  const n = data.x1 - data.x0
  const [net, errors, bits] = [allocate(Float32Array, n), allocate(Float32Array, n), allocate(Int16Array, n)]
  const into = [net.byteOffset, errors.byteOffset, bits.byteOffset] as const
  const { rawRow } = kernels()
  for (let y = data.y0; y < data.y1; y++) {
    const under = level ? (level.rows?.[y - data.y0] ?? level.level) : 0
    const from = raw.byteOffset + 4 * (y * fullWidth + data.x0)
    rawRow(from, n, under, gain, (readNoise / gain) ** 2, saturation, ...into)
    const to = (place.y0 + y - data.y0) * width + place.x0
    pixels.set(net, to)
    error.set(errors, to)
    mask.set(bits, to)
  }
}

/** Refuses frames that cannot be of one spectrograph. */
export function requireOneSize(frames: readonly (OrderFrameFacts & { shown: string })[]): void {
  const [first] = frames
  const odd = frames.find(({ width, height }) => width !== first?.width || height !== first.height)
  if (!first || !odd) return
  throw new DataError(
    `${odd.shown} is ${odd.width}x${odd.height} but ${first.shown} is ${first.width}x${first.height}`,
    'give frames of one spectrograph and binning',
  )
}
