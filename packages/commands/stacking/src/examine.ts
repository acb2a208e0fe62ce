import { DataError } from '@nightpipe/command'
import { companion, frameHdu, openFits, readIntegers, readPixels } from '@nightpipe/fits'
import { type SkyMap, sampleSky, skyLevel, skyPixels } from '@nightpipe/image'
import { allocate, scoped } from '@nightpipe/kernels'
import { type BrightImage, type BrightStars, brightStars, type StarLight, starLight } from '@nightpipe/registration'
import type { CirclePlan } from './circles.js'
import type { FrameInfo } from './frames.js'
import { saturatedSquares } from './saturated-spots.js'
import { type Nodes, skyAtNodes } from './sky-surface.js'
import { cutStamps, type Stamps } from './stamps.js'

export interface Unreadable {
  unreadable: string
}

/** Stars that are looked for in a frame: enough for its seeing, and for a scale. */
const MOST = 400

/** Light of so many sigma of a pixel, smoothed, is no sky when its noise is measured. */
const FAINT = 1

/** What a frame shows by itself. */
export interface Stars {
  stars: BrightStars
  map: SkyMap
}

/** Seeing, sky and brightest stars of a frame. */
export const examineFrame = (frame: FrameInfo): Stars | Unreadable =>
  orUnreadable(() =>
    withPixels(frame, (image) => {
      const { pixels, width, height, mask } = image
      const map = sampleSky(pixels, width, height, { mask })
      const stars = brightStars(image, { most: MOST, sky: map, ...detector(frame) })
      // within a tile the sky may slope, and have the wings of stars
      const { sigma } = skyLevel(pixels, width, map, skyPixels(pixels, width, height, mask, map, FAINT))
      return { map, stars: { ...stars, skySigma: sigma } }
    }),
  )

export interface PlacesArgs {
  frame: FrameInfo
  map: SkyMap
  /** On the common grid. */
  x: Float64Array
  y: Float64Array
  plan: CirclePlan
  /** Places on the common grid at which the sky is asked for. */
  nodes: Nodes
}

export interface Places {
  /** Of the stars, in the pixels of the frame. */
  x: Float64Array
  y: Float64Array
  stars: StarLight
  stamps: Stamps
  /** At each node; NaN beyond the frame. */
  sky: Float64Array
  /** Where it is saturated. */
  saturated: Int32Array
}

/** The light about the stars of the reference, and the sky at nodes. */
export const measureFrame = ({ frame, map, x, y, plan, nodes }: PlacesArgs): Places | Unreadable =>
  orUnreadable(() =>
    withPixels(frame, (image) => {
      const places = { x: x.map((value) => value - frame.x0), y: y.map((value) => value - frame.y0) }
      const sky = skyAtNodes(image, map, frame, nodes)
      const stars = starLight(image, places, {
        ...{ radius: plan.radii[plan.radii.length - 1], reach: plan.reach, skyFrom: plan.sky[1] },
        ...{ saturation: frame.saturation, sky: map },
      })
      const stamps = cutStamps(image, places, { reach: plan.reach, saturation: frame.saturation, sky: map })
      return {
        ...places,
        stars,
        stamps,
        sky,
        saturated: saturatedSquares(image, { ...frame, ceiling: ceilingOf(frame) }),
      }
    }),
  )

/**
 * Saturated pixels of frames without a mask: interpolation has blurred them, and what was just full is now a little less.
 */
const NEARLY_FULL = 0.98

/** Pixels from here on are saturated, where no mask says which are. */
export const ceilingOf = ({ hasMask, saturation }: FrameInfo): number =>
  hasMask || !saturation ? Number.POSITIVE_INFINITY : NEARLY_FULL * saturation

const detector = ({ gain, saturation }: FrameInfo) => ({ gain: gain ?? 1, saturation })

function withPixels<T>({ path, width, height }: FrameInfo, work: (image: BrightImage) => T): T {
  const file = openFits(path)
  try {
    const image = frameHdu(file)
    const mask = companion(file, image, 'MASK')
    return scoped(() => {
      const n = width * height
      const pixels = readPixels(image, { plane: 0, into: allocate(Float32Array, n) })
      return work({
        pixels,
        width,
        height,
        mask: mask && readIntegers(mask, { plane: 0, into: allocate(Int16Array, n) }),
      })
    })
  } finally {
    file.close()
  }
}

/** What a damaged frame says; our own mistakes go on. */
export function orUnreadable<T>(work: () => T): T | Unreadable {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    return { unreadable: error.advice ? `${error.message} (${error.advice})` : error.message }
  }
}
