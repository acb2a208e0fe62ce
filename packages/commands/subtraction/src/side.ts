import { describeFrame, type FrameFacts, type InstrumentProfile } from '@nightpipe/config'
import { cardLookup, type FitsFile, type FitsFrame, imageHdu, openFits, readFrame, readPixels } from '@nightpipe/fits'
import { backgroundMesh, boxMean, interpolatePixels, MaskBit, railOf } from '@nightpipe/image'
import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import { type Found, findStars } from '@nightpipe/stars'
import { sharedPlane } from './shared.js'

/** One of the two frames, ready to be compared: without sky, each pixel with its variance. Threads share its planes. */
export interface Side {
  /** Name and header of the frame: its pixels are let go. */
  frame: Pick<FitsFrame, 'name' | 'header'>
  facts: FrameFacts
  lookup: (keyword: string) => string | number | boolean | bigint | undefined
  width: number
  height: number
  /** Without sky; bad pixels filled in from their neighbours. */
  net: Float32Array
  variance: Float32Array
  mask: Int16Array
  /** Of a stack: frames in each pixel. */
  coverage?: Float32Array
  found: Pick<Found, 'stars' | 'quality'>
  gain?: number
  saturation: number
  /** Where the errors came from. */
  noise: 'error plane' | 'gain' | 'sky only'
}

/** What a thread makes of a frame: all but the function. */
export type SideParts = Omit<Side, 'lookup'>

export interface SideArgs {
  path: string
  profile: InstrumentProfile
  options: SideOptions
}

export interface SideOptions {
  gain?: number
  saturation?: number
  mesh: number
}

/** Pixels with these bits say nothing about the sky or the stars. */
export const UNUSABLE = MaskBit.bad | MaskBit.saturated | MaskBit.cosmicRay | MaskBit.noData

/** With the cards of its header, which no thread can hand to another. */
export function withLookup(path: string, parts: SideParts): Side {
  const file = openFits(path)
  try {
    return { ...parts, lookup: cardLookup(imageHdu(file)) }
  } finally {
    file.close()
  }
}

/** Reads a frame, finds its sky and stars, and gives each pixel its variance. */
export function readSide({ path, profile, options }: SideArgs): SideParts {
  const file = openFits(path)
  try {
    const frame = readFrame(file)
    const lookup = cardLookup(imageHdu(file))
    const facts = describeFrame(lookup as never, profile, { ...size(frame), name: frame.name })
    const gain = options.gain ?? facts.gain
    const saturation = options.saturation ?? facts.saturation ?? railOf(frame.pixels) ?? Number.POSITIVE_INFINITY
    const mask = maskOf(frame, saturation)
    const known = { ...frame, mask }
    const found = findStars(known, { gain, mesh: options.mesh, ...(saturation < Infinity && { saturation }) })
    const noise = frame.error ? 'error plane' : gain ? 'gain' : 'sky only'
    const { net, variance } = weigh(known, found, gain)
    const { name, header } = frame
    const { stars, quality } = found
    return {
      frame: { name, header },
      found: { stars, quality },
      facts,
      ...size(frame),
      net,
      variance,
      mask,
      coverage: coverageOf(file),
      gain,
      saturation,
      noise,
    }
  } finally {
    file.close()
  }
}

const size = ({ width, height }: FitsFrame) => ({ width, height })

function coverageOf(file: FitsFile): Float32Array | undefined {
  const { axes } = imageHdu(file)
  const hdu = file.hdus.find(
    (one) => one.kind === 'image' && one.name === 'COVERAGE' && one.axes.join() === axes.join(),
  )
  if (!hdu) return undefined
  const plane = sharedPlane(Float32Array, axes[0]! * axes[1]!)
  plane.set(readPixels(hdu))
  return plane
}

/** The mask of the frame, with what has no value and what is saturated. */
function maskOf({ pixels, mask, error }: FitsFrame, saturation: number): Int16Array {
  const bits = sharedPlane(Int16Array, pixels.length)
  if (mask) bits.set(mask)
  for (let p = 0; p < bits.length; p++) {
    const value = pixels[p]!
    if (value - value !== 0 || (error && !(error[p]! > 0))) bits[p]! |= MaskBit.noData
    else if (value >= saturation) bits[p]! |= MaskBit.saturated
  }
  return bits
}

/** Side of a mesh of the sky, px. */
const SKY_MESH = 256

/**
 * The frame without its sky, and the variance of each pixel: of the error plane (where bad pixels are filled in, too), or
 * that of the sky with the photon noise of the stars. The latter follows the mean of 3 x 3 pixels: a pixel's own noise must not weigh it.
 */
function weigh(frame: FitsFrame & { mask: Int16Array }, found: Found, gain?: number) {
  const { background } = found
  const { width, height, pixels, error, mask } = frame
  // wide meshes: the wings of crowded stars must not be taken for sky, as they differ with the seeing
  const wide = backgroundMesh(pixels, width, height, { mesh: SKY_MESH, mask, maskBits: UNUSABLE, filter: 3 })
  const level = wide.expand()
  const net = sharedPlane(Float32Array, pixels.length)
  for (let p = 0; p < net.length; p++) {
    const value = pixels[p]! - level[p]!
    net[p] = value - value === 0 ? value : 0 // NaN and infinity have no light
  }
  // what is filled in has the errors of its neighbours: a column that sees nothing would drown all about it
  interpolatePixels({ width, height, pixels: net, error, mask: mask.slice() }, UNUSABLE & ~MaskBit.saturated)
  if (error) {
    const typical = medianOf(background.rms) ** 2
    const variance = sharedPlane(Float32Array, net.length)
    for (let p = 0; p < net.length; p++) variance[p] = error[p]! > 0 ? error[p]! * error[p]! : typical
    return { net, variance }
  }
  const variance = skyVariance(net, width, found)
  if (gain) {
    const light = boxMean(net, width, height, 3, level)
    for (let p = 0; p < variance.length; p++) if (light[p]! > 0) variance[p]! += light[p]! / gain
  }
  return { net, variance }
}

/** Where stars cover more of a frame than this, the scatter of its sky is not its noise. */
const CROWDED = 0.2

/**
 * The variance of the sky as measured, mesh by mesh. Where faint stars crowd, their light scatters as well: the scatter
 * between neighbours in the darker half of the frame then says what part of it is noise.
 */
function skyVariance(net: Float32Array, width: number, { background, stars }: Found): Float32Array {
  const covered = stars.area.reduce((n, area) => n + area, 0) / net.length
  const most = medianOf(background.rms)
  const share = covered > CROWDED ? Math.min(1, neighbourNoise(net, width) / most) : 1
  const variance = background.expandRms(sharedPlane(Float32Array, net.length))
  for (let p = 0; p < variance.length; p++) variance[p] = (share * variance[p]!) ** 2
  return variance
}

/** Noise of a pixel from what it differs by from the mean of those left and right: stars are smooth, noise is not. */
function neighbourNoise(net: Float32Array, width: number): number {
  const step = Math.max(1, Math.floor(net.length / 200_000)) | 1
  const middle = medianOf(net.filter((_, p) => p % step === 0))
  const values: number[] = []
  for (let p = 1; p < net.length - 1; p += step) {
    const x = p % width
    const around = (net[p - 1]! + net[p + 1]!) / 2
    if (x > 0 && x < width - 1 && around < middle) values.push(net[p]! - around)
  }
  return MAD_TO_SIGMA * mad(values) * Math.sqrt(2 / 3)
}

/** 1 where a mask has any of the bits. */
export function flagged(mask: Int16Array, bits: number): Uint8Array {
  const flags = sharedPlane(Uint8Array, mask.length)
  for (let p = 0; p < flags.length; p++) flags[p] = (mask[p]! & bits) !== 0 ? 1 : 0
  return flags
}
