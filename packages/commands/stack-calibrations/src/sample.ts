import { readPixels } from '@nightpipe/fits'
import { type Linearity, makeLinear } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { type Geometry, isBent } from './geometry.js'
import { sampledRows } from './measure.js'
import type { Pedestal } from './overscan.js'
import { openMaster, type Source, sourceImage } from './source.js'

/** A frame of which rows are looked at. */
export interface Sampled {
  source: Source
  /** One for each amplifier. */
  pedestals: readonly Pedestal[]
  /** Frames whose counts are made linear: the master bias, which net counts are reckoned from, and its level. */
  bias?: BiasOf
}

export interface BiasOf {
  path: string
  level: number
}

/** How many pixels are saturated, and what the highest value is, of those looked at so far. */
interface Bright {
  saturated: number
  top: number
  atTop: number
}

/** The top counts of converters of 12 to 16 bits, as they give them and as some cameras write them. */
const RAILS = [4095, 4096, 8191, 8192, 16383, 16384, 32767, 32768, 65535]

/** Looks at evenly spaced rows of a frame, and how much of them is saturated. To be called inside `scoped`. */
export function sampleFrame(
  frame: Sampled,
  geometry: Geometry,
  saturation: number | undefined,
): { pixels: Float32Array; saturatedFraction: number } {
  const bright: Bright = { saturated: 0, top: Number.NEGATIVE_INFINITY, atTop: 0 }
  const wanted = sampledRows(geometry.width, geometry.height)
  const pixels = rowsOfFrame(frame, geometry, saturation, wanted, bright)
  const atRail = RAILS.includes(bright.top) ? bright.atTop : 0
  return { pixels, saturatedFraction: (saturation === undefined ? atRail : bright.saturated) / pixels.length }
}

/**
 * Some rows of a frame, trimmed and above their pedestal, in kernel memory, as wide as the master; NaN where a
 * pixel is saturated or holds no number.
 */
export function rowsOfFrame(
  { source, pedestals, bias }: Sampled,
  geometry: Geometry,
  saturation: number | undefined,
  wanted: readonly number[],
  bright?: Bright,
): Float32Array {
  const { width, rawWidth, amplifiers } = geometry
  const image = sourceImage(source)
  const pixels = allocate(Float32Array, wanted.length * width).fill(Number.NaN)
  const raw = allocate(Float32Array, rawWidth)
  const level = allocate(Float32Array, 1)
  const net = isBent(geometry)
  const biasRow = net && bias && allocate(Float32Array, width)
  for (const [k, y] of wanted.entries()) {
    let last = -1
    if (biasRow) readPixels(openMaster(bias.path).image, { firstRow: y, rows: 1, plane: 0, into: biasRow })
    for (const [a, { data, place, linearity }] of amplifiers.entries()) {
      if (y < place.y0 || y >= place.y1) continue
      const firstRow = data.y0 + y - place.y0
      if (firstRow !== last) readPixels(image, { firstRow, rows: 1, plane: 0, into: raw })
      last = firstRow
      const { level: constant, rows } = pedestals[a]
      level[0] = rows ? rows[y - place.y0] : constant
      const to = pixels.byteOffset + 4 * (k * width + place.x0)
      const columns = place.x1 - place.x0
      kernels().prepareStrip(
        ...([raw.byteOffset, rawWidth, data.x0, columns, 1, columns, level.byteOffset] as const),
        ...([
          biasRow ? biasRow.byteOffset + 4 * place.x0 : 0,
          0,
          0,
          1,
          saturation ?? Number.POSITIVE_INFINITY,
          to,
        ] as const),
      )
      if (net) straighten(pixels.subarray(k * width + place.x0, k * width + place.x1), linearity, bias?.level)
      if (bright) countBright(raw.subarray(data.x0, data.x1), saturation ?? Number.POSITIVE_INFINITY, bright)
    }
  }
  return pixels
}

/** Net counts made proportional to light, and what the bias has as a whole put back: the level of a frame holds it. */
function straighten(net: Float32Array, linearity: Linearity | undefined, biasLevel = 0): void {
  if (linearity) makeLinear(net, linearity)
  for (let p = 0; p < net.length; p++) net[p] += biasLevel
}

/** Without a saturation from header or profile, what stands at the top count of a converter tells. */
function countBright(values: Float32Array, saturation: number, counts: Bright): void {
  for (let x = 0; x < values.length; x++) {
    const value = values[x]
    if (value >= saturation) counts.saturated++
    if (value === counts.top) counts.atTop++
    if (value > counts.top) {
      counts.top = value
      counts.atTop = 1
    }
  }
}

/** The same rows of two frames, for a comparison of pixels that both hold. */
export function samplePair<T>(
  frames: readonly Sampled[],
  geometry: Geometry,
  saturation: number | undefined,
  compare: (samples: Float32Array[]) => T,
): T {
  const wanted = sampledRows(geometry.width, geometry.height)
  return scoped(() => compare(frames.map((frame) => rowsOfFrame(frame, geometry, saturation, wanted))))
}
