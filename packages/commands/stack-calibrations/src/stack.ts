import { type Hdu, readPixels, readStored, scalingOf } from '@nightpipe/fits'
import { type CombineRegion, combinePlanes, type Plane as ImagePlane } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'
import type { Block, Broken, Recipe } from './combine-rows.js'
import { orUnreadable } from './examine.js'
import { type Amplifier, isBent } from './geometry.js'
import { linearRows, netRegions } from './linear-rows.js'
import { sourceImage } from './source.js'

/** Rows of the master, those that its block begins at, and the first of them in the raw frame. */
export interface Rows {
  from: number
  to: number
  first: number
  rawFirst: number
}

/** Smaller pieces gain nothing from the processor's cache, and what is set up for each of them costs more. */
const PIECE_BYTES = 1 << 23
/** Of a thousand frames fewer rows than these would mean a thousand small reads for each. */
const FEWEST_ROWS = 8

/** Rows of all frames that are held at once. Results do not depend on it. */
export function rowsAtOnce({ planes, geometry, memoryBytes }: Recipe): number {
  const perRow = 4 * geometry.rawWidth * planes.length
  const whole = Math.floor(PIECE_BYTES / perRow)
  return Math.max(1, Math.min(Math.max(whole, FEWEST_ROWS), Math.floor(memoryBytes / perRow)))
}

/** Rows of a frame as they were read by others, from row `rawFirst` on; it is given by its place among the planes. */
export type Held = (plane: number, rawFirst: number, rows: number) => ImagePlane

/**
 * Rows `y` to `y + rows` of the master, of which `block` begins at `first`: read from every frame, unless they are `held`,
 * and combined. Returns the frame that could not be read, if one could not.
 */
export function combineStack(
  recipe: Recipe,
  block: Block,
  first: number,
  y: number,
  rows: number,
  held?: Held,
): Broken | undefined {
  const { geometry, planes, noise } = recipe
  const net = isBent(geometry)
  for (const [shift, group] of byShift(geometry.amplifiers)) {
    const from = Math.max(y, Math.min(...group.map(({ amplifier }) => amplifier.place.y0)))
    const to = Math.min(y + rows, Math.max(...group.map(({ amplifier }) => amplifier.place.y1)))
    if (to <= from) continue
    const raw: ImagePlane[] = []
    for (const [plane, { source }] of planes.entries()) {
      const read = orUnreadable(() =>
        held
          ? held(plane, from + shift, to - from)
          : net
            ? linearRows(recipe, block, planes[plane], group, { from, to, first, rawFirst: from + shift })
            : readRaw(sourceImage(source), from + shift, to - from, geometry.rawWidth),
      )
      if ('unreadable' in read) return { ...read, plane }
      raw.push(read)
    }
    for (const { amplifier, index } of group) {
      const rows = { from, to, first, rawFirst: from + shift }
      const regions = net ? netRegions(recipe, amplifier, rows) : regionsOf(recipe, amplifier, index, rows)
      if (regions.length > 0) combinePlanes(raw, { ...options(recipe, block), noise: noise[index], regions }, block)
    }
  }
  return undefined
}

export interface Indexed {
  amplifier: Amplifier
  index: number
}

/** Amplifiers by how far their rows in the raw frame are from those in the master. */
function byShift(amplifiers: readonly Amplifier[]): Map<number, Indexed[]> {
  const groups = new Map<number, Indexed[]>()
  for (const [index, amplifier] of amplifiers.entries()) {
    const shift = amplifier.data.y0 - amplifier.place.y0
    groups.set(shift, [...(groups.get(shift) ?? []), { amplifier, index }])
  }
  return groups
}

function options({ geometry, planes, method, clip, drop, tolerance, type }: Recipe, block: Block) {
  // of net counts the bias is off, and saturated ones are no numbers
  const net = isBent(geometry)
  const { dark } = block
  const bias = net ? undefined : block.bias
  const all = <T>(of: (plane: Recipe['planes'][number]) => T) => planes.map(of)
  return {
    method: method === 'clip' ? ('sigma' as const) : method,
    ...{ clipLow: clip, clipHigh: clip, lowest: drop, highest: drop, tolerance, bias, dark },
    ...{ scale: all((p) => p.scale), darkScale: all((p) => p.darkScale) },
    ...{ ceiling: all((p) => (net ? undefined : p.saturation) ?? Number.POSITIVE_INFINITY) },
    ...(type === 'flat' || type === 'lamp' ? { weights: all((p) => p.weight) } : {}),
  }
}

/** 16-bit integers as they lie in the file, which the combination reads in place; anything else as floats. */
function readRaw(image: Hdu, firstRow: number, rows: number, width: number): ImagePlane {
  const range = { firstRow, rows, plane: 0 }
  if (!isInPlace(image)) return readPixels(image, { ...range, into: allocate(Float32Array, rows * width) })
  return rawPlane(image, readStored(image, { ...range, into: allocate(Uint8Array, 2 * rows * width) }))
}

/** Pixels that the combination takes as they are stored. */
export function isInPlace(image: Hdu): boolean {
  const { scale, zero } = scalingOf(image)
  return image.bitpix === 16 && scale === 1 && Number.isInteger(zero) && Math.abs(zero) < 2 ** 22
}

/** Stored pixels of such an image, with what they mean. */
export function rawPlane(image: Hdu, bytes: Uint8Array): ImagePlane {
  const { zero, blank } = scalingOf(image)
  return { bytes, zero, blank: blank === undefined ? undefined : Number(blank) }
}

/** The data of one amplifier row by row, or at once where rows have no gaps between them and one level. */
function regionsOf(
  { geometry, planes, zero }: Recipe,
  { data, place }: Amplifier,
  index: number,
  rows: Rows,
): CombineRegion[] {
  const { width, rawWidth } = geometry
  const pedestals = planes.map(({ pedestals: all }) => all[index])
  const [from, to] = [Math.max(rows.from, place.y0), Math.min(rows.to, place.y1)]
  const columns = place.x1 - place.x0
  const region = (y: number, count: number): CombineRegion => ({
    to: (y - rows.first) * width + place.x0,
    from: (data.y0 + y - place.y0 - rows.rawFirst) * rawWidth + data.x0,
    count,
    offset: pedestals.map(({ level, rows: levels }) => (levels ? levels[y - place.y0] : level) + zero),
  })
  if (to <= from) return []
  if (columns === width && columns === rawWidth && pedestals.every((p) => !p.rows)) {
    return [region(from, (to - from) * columns)]
  }
  return Array.from({ length: to - from }, (_, k) => region(from + k, columns))
}
