import type { StripPlan } from '@nightpipe/fits'
import type { NoiseModel } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { ceilingOf } from './examine.js'
import type { FrameInfo } from './frames.js'
import type { Matched } from './match-frames.js'
import type { Spot } from './saturated-spots.js'
import type { StackingConfig } from './schema.js'
import type { Surface } from './sky-surface.js'

/** Pixels of the stack: where its first is on the common grid. */
export interface Canvas {
  x0: number
  y0: number
  width: number
  height: number
}

/** One frame on its way into the stack: value = (pixel - offset - surface) scale. */
export interface Plane {
  frame: FrameInfo
  scale: number
  offset: number
  surface?: Surface
  weight: number
  noise: NoiseModel
  /** Samples from here on do not count, unit of the frame. */
  ceiling: number
  /** Where that is so, of a frame without a mask. */
  saturated?: Int32Array
}

/** What all rows of a stack have in common. Plain data. */
export interface Recipe {
  plan: StripPlan
  canvas: Canvas
  planes: Plane[]
  /** About stars that are saturated in some of them. */
  spots: Spot[]
  /** What stands out in single frames is looked for; then frames are left out about it. */
  grows: boolean
  grown?: Spot[]
  method: 'clip' | 'linear' | 'mean' | 'median' | 'minmax'
  low: number
  high: number
  drop: number
  /** What a star may vary by, as a part of its light; looked for so many pixels about it (0: there is no clip). */
  tolerance: number
  reach: number
  /** Level of the sky that the stack gets. */
  level: number
  /** Errors come from the frames, not from their noise. */
  errors: boolean
  /** Planes that are written after the image. */
  write: { error: boolean; mask: boolean; coverage: boolean }
  /** What the samples of one thread may take. */
  memoryBytes: number
}

/** The smallest grid that holds all frames. */
export function canvasOf(frames: readonly FrameInfo[]): Canvas {
  const x0 = Math.min(...frames.map((frame) => frame.x0))
  const y0 = Math.min(...frames.map((frame) => frame.y0))
  const width = Math.max(...frames.map((frame) => frame.x0 + frame.width)) - x0
  return { x0, y0, width, height: Math.max(...frames.map((frame) => frame.y0 + frame.height)) - y0 }
}

export function planeOf({ frame, stars, scale, offset, surface, weight, saturated }: Matched): Plane {
  const noise = { variance0: stars.skySigma ** 2, variancePerUnit: frame.gain ? 1 / frame.gain : 0 }
  return {
    frame,
    scale,
    offset,
    surface,
    weight,
    noise,
    ceiling: ceilingOf(frame),
    ...(frame.hasMask ? {} : { saturated }),
  }
}

/**
 * What the pixels of a star may differ by from frame to frame besides noise: by what the light at its peak does when its
 * width changes, and something for the pixels on which it falls.
 */
export function toleranceOf(frames: readonly Matched[], { combine }: StackingConfig): number {
  if (combine.tolerance !== undefined) return combine.tolerance
  const widths = widthsOf(frames)
  if (widths.length < 2) return 0.15
  const middle = medianOf(widths)
  return Math.min(2, 0.15 + Math.max((middle / Math.min(...widths)) ** 2 - 1, 1 - (middle / Math.max(...widths)) ** 2))
}

/**
 * How far about a pixel the clip looks for the light of a star, px: most of a seeing disc, and what the longest stars of a
 * frame (tracking, wind) reach beyond it. There they are brighter than the others by any factor, and the clip would take
 * their light away and leave it to none.
 */
export function reachOf(frames: readonly Matched[], { combine }: StackingConfig): number {
  if (combine.method !== 'clip') return 0
  const widths = widthsOf(frames)
  if (widths.length === 0) return 2
  const middle = medianOf(widths)
  const longest = Math.max(...frames.map(({ stars }) => lengthOf(stars)).filter((length) => length > 0))
  return Math.max(1, Math.min(6, Math.round(0.6 * middle + 0.5 * Math.max(0, longest - middle))))
}

/** FWHM of stars along their longer axis; `seeing` is the mean of both, of their logarithms. */
const lengthOf = ({ seeing, ellipticity }: Matched['stars']) => seeing / Math.sqrt(1 - Math.min(0.9, ellipticity || 0))

const widthsOf = (frames: readonly Matched[]) => frames.map(({ stars }) => stars.seeing).filter((width) => width > 0)
