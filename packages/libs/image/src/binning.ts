import { type Frame, MaskBit } from './frame.js'

/** A pixel with one of these has no value worth adding; with the other bits it has, and they stay with the sum. */
const WORTHLESS = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData

/**
 * A frame with `columns` x `rows` pixels added (or averaged) into one; columns and rows left over at the far edges are
 * dropped. Independent errors add in quadrature. A bad pixel, a cosmic ray or a NaN is left out: the sum of the others is
 * scaled up to the full area and marked `interpolated`; with none left it is NaN and `noData`. A saturated pixel makes
 * the sum saturated.
 */
export function bin<F extends Frame>(frame: F, columns: number, rows: number, how: 'sum' | 'mean' = 'sum'): F {
  if (!(Number.isInteger(columns) && Number.isInteger(rows) && columns > 0 && rows > 0)) {
    throw new RangeError(`binning ${columns} x ${rows} is impossible`)
  }
  const width = Math.floor(frame.width / columns)
  const height = Math.floor(frame.height / rows)
  if (width === 0 || height === 0) throw new RangeError(`${frame.name} is smaller than one bin of ${columns} x ${rows}`)
  const binned: F = { ...frame, width, height, pixels: new Float32Array(width * height) }
  if (frame.error) binned.error = new Float32Array(width * height)
  if (frame.mask) binned.mask = new Int16Array(width * height)
  const area = columns * rows
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) binPixel(frame, binned, x, y, columns, rows, how === 'sum' ? area : 1)
  }
  return binned
}

function binPixel(from: Frame, to: Frame, x: number, y: number, columns: number, rows: number, scale: number): void {
  let sum = 0
  let variance = 0
  let good = 0
  let bits = 0
  for (let v = y * rows; v < (y + 1) * rows; v++) {
    for (let u = x * columns; u < (x + 1) * columns; u++) {
      const p = v * from.width + u
      const flags = from.mask ? from.mask[p] : 0
      if ((flags & WORTHLESS) !== 0 || Number.isNaN(from.pixels[p])) continue
      bits |= flags
      sum += from.pixels[p]
      if (from.error) variance += from.error[p] ** 2
      good++
    }
  }
  const p = y * to.width + x
  to.pixels[p] = (scale * sum) / good // 0 / 0 is the NaN we want
  if (to.error) to.error[p] = (scale * Math.sqrt(variance)) / good
  if (!to.mask) return
  to.mask[p] = good === 0 ? MaskBit.noData : good < columns * rows ? bits | MaskBit.interpolated : bits
}
