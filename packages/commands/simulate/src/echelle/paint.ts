import { FINE, fineAt, MARGIN } from './line-spread.js'
import { firstRow, rowsAt } from './profile.js'
import type { OrderLight } from './spectrum.js'
import type { Studio } from './studio.js'

/** Electrons along and across the dispersion, row by row. */
export interface Canvas {
  pixels: Float32Array
  along: number
  across: number
}

/** Electrons that an order collects in each pixel along its trace. */
export function fluxOf({ fine }: OrderLight, along: number): Float64Array {
  return Float64Array.from({ length: along }, (_, p) => fine[(p + MARGIN) * FINE + (FINE - 1) / 2]!)
}

/** Puts an order on the canvas; light beyond the edges is lost. Rows of light at a time: nothing else is allocated. */
export function paintOrder(canvas: Canvas, studio: Studio, order: OrderLight): void {
  const { settings, along, across } = studio
  const { tilt, curvature } = settings.line
  const tilted = tilt !== 0 || curvature !== 0
  const profile = studio.profile(order.index, order.fibre)
  const rows = new Float64Array(Math.ceil(2 * profile.reach) + 3)
  const flux = fluxOf(order, along)
  for (let p = 0; p < along; p++) {
    const centre = order.trace[p]!
    const first = firstRow(profile, centre)
    const n = rowsAt(profile, along, p, centre, first, rows)
    for (let k = 0; k < n; k++) {
      const y = first + k
      if (y < 0 || y >= across) continue
      const d = y - centre
      const light = tilted ? fineAt(order.fine, p - tilt * d - curvature * d * d) : flux[p]!
      canvas.pixels[y * along + p]! += light * rows[k]!
    }
  }
}

/**
 * The noise of the best possible extraction in each pixel along an order: 1 / σ² = Σ P² / V over the rows, with V the
 * electrons that are expected in a pixel and the read noise. NaN where a part of the profile is off the detector.
 */
export function optimalNoise(canvas: Canvas, studio: Studio, order: OrderLight, dark: number): Float64Array {
  const { settings, along, across } = studio
  const profile = studio.profile(order.index, order.fibre)
  const rows = new Float64Array(Math.ceil(2 * profile.reach) + 3)
  const floor = settings.detector['read noise'] ** 2 + dark
  return Float64Array.from({ length: along }, (_, p) => {
    const centre = order.trace[p]!
    const first = firstRow(profile, centre)
    const n = rowsAt(profile, along, p, centre, first, rows)
    if (first < 0 || first + n > across) return Number.NaN
    let sum = 0
    for (let k = 0; k < n; k++) {
      const electrons = canvas.pixels[(first + k) * along + p]!
      sum += rows[k]! ** 2 / (electrons + floor)
    }
    return 1 / Math.sqrt(sum)
  })
}
