import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import { MAD_TO_SIGMA } from '@nightpipe/math'
import type { SkyMap } from './sky-map.js'

export interface SkyLevel {
  level: number
  /** One-sigma noise of a pixel, the slope of the sky taken out. */
  sigma: number
  /** Fraction of the sample that sources were found in. */
  sources: number
}

/** Pixels looked at: more would not tell more. */
const SAMPLE = 80_000

/** Pixels of the sky, spread over a frame, and how many were looked at. */
export interface SkySample {
  positions: Int32Array
  looked: number
}

/**
 * A sample of the pixels of the sky. A pixel belongs to a source where the mean of the 5 x 5 pixels about it is over
 * `threshold` sigma of one pixel above the map of the sky; masked pixels are left out.
 */
export function skyPixels(
  pixels: Float32Array,
  width: number,
  height: number,
  mask: Int16Array | undefined,
  map: SkyMap,
  threshold: number,
): SkySample {
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / SAMPLE)))
  return scoped(() => {
    const most = Math.ceil(height / step) * Math.ceil(width / step)
    const [positions, looked] = [allocate(Int32Array, most), allocate(Int32Array, 1)]
    const count = kernels().skyPositions(
      ...([lent(pixels).byteOffset, mask ? lent(mask).byteOffset : 0, width, height, step, threshold] as const),
      ...([lent(map.level).byteOffset, lent(map.sigma).byteOffset, map.columns, map.rows, map.tile] as const),
      ...([positions.byteOffset, looked.byteOffset] as const),
    )
    return { positions: positions.slice(0, count), looked: looked[0] }
  })
}

/** The level of the sky of a frame, and its noise, from a sample of its pixels. */
export function skyLevel(pixels: Float32Array, width: number, map: SkyMap, { positions, looked }: SkySample): SkyLevel {
  const n = positions.length
  if (n === 0) return { level: map.medianLevel, sigma: map.medianSigma, sources: looked ? 1 : 0 }
  return scoped(() => {
    const [values, departures] = [allocate(Float64Array, n), allocate(Float64Array, n)]
    const { skyDepartures, medianOfDoubles } = kernels()
    skyDepartures(
      ...([lent(pixels).byteOffset, width, lent(positions).byteOffset, n] as const),
      ...([lent(map.level).byteOffset, map.columns, map.rows, map.tile] as const),
      ...([values.byteOffset, departures.byteOffset] as const),
    )
    const level = medianOfDoubles(values.byteOffset, n)
    return { level, sigma: MAD_TO_SIGMA * medianOfDoubles(departures.byteOffset, n), sources: 1 - n / looked }
  })
}
