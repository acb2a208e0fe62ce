import { readPixels } from '@nightpipe/fits'
import { type CombineRegion, makeLinear } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { Block, Plane, Recipe } from './combine-rows.js'
import type { Amplifier } from './geometry.js'
import { sourceImage } from './source.js'
import type { Indexed, Rows } from './stack.js'

/**
 * Rows of a frame whose counts are not proportional to light, for some of its amplifiers: overscan and bias off, made linear,
 * where they stand in the master; NaN where a pixel is saturated. What the combination does to raw counts while it reads
 * them, the curve does not allow: it counts from the bias.
 */
export function linearRows(
  { geometry: { width, rawWidth } }: Recipe,
  { bias }: Block,
  { source, pedestals, saturation = Number.POSITIVE_INFINITY }: Plane,
  amplifiers: readonly Indexed[],
  rows: Rows,
): Float32Array {
  const { from, to, first, rawFirst } = rows
  const net = allocate(Float32Array, (to - from) * width)
  scoped(() => {
    const raw = allocate(Float32Array, (to - from) * rawWidth)
    readPixels(sourceImage(source), { firstRow: rawFirst, rows: to - from, plane: 0, into: raw })
    const levels = allocate(Float32Array, to - from)
    for (const { amplifier, index } of amplifiers) {
      const { data, place, linearity } = amplifier
      const [y0, y1] = [Math.max(from, place.y0), Math.min(to, place.y1)]
      if (y1 <= y0) continue
      const { level, rows: each } = pedestals[index]
      for (let y = y0; y < y1; y++) levels[y - y0] = each ? each[y - place.y0] : level
      const skipped = data.y0 + y0 - place.y0 - rawFirst
      const columns = place.x1 - place.x0
      const target = (y0 - from) * width + place.x0
      kernels().prepareStrip(
        ...([raw.byteOffset + 4 * skipped * rawWidth, rawWidth, data.x0, columns, y1 - y0, width] as const),
        ...([levels.byteOffset, bias ? bias.byteOffset + 4 * ((y0 - first) * width + place.x0) : 0] as const),
        ...([0, 0, 1, saturation, net.byteOffset + 4 * target] as const),
      )
      if (!linearity) continue
      if (columns === width) makeLinear(net.subarray(target, target + (y1 - y0) * width), linearity)
      else for (let y = y0; y < y1; y++) makeLinear(rowOf(net, (y - from) * width, place), linearity)
    }
  })
  return net
}

const rowOf = (net: Float32Array, start: number, { x0, x1 }: Amplifier['place']) => net.subarray(start + x0, start + x1)

/** The part of one amplifier in rows that `linearRows` gave. */
export function netRegions(
  { geometry: { width }, planes, zero }: Recipe,
  { place }: Amplifier,
  { from, to, first }: Rows,
): CombineRegion[] {
  const [y0, y1] = [Math.max(from, place.y0), Math.min(to, place.y1)]
  const columns = place.x1 - place.x0
  const offset = planes.map(() => zero)
  const region = (y: number, count: number): CombineRegion => ({
    to: (y - first) * width + place.x0,
    from: (y - from) * width + place.x0,
    count,
    offset,
  })
  if (y1 <= y0) return []
  if (columns === width) return [region(y0, (y1 - y0) * width)]
  return Array.from({ length: y1 - y0 }, (_, k) => region(y0 + k, columns))
}
