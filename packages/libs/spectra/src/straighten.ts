import { allocate } from '@nightpipe/kernels'
import type { Extraction } from './extract.js'
import type { SpectralFrame } from './group-work.js'
import { type LineTilt, tiltAt } from './line-tilt.js'
import { type ProfileTable, reachOf, sampleProfile } from './profile-table.js'

/** Rows with less of the light than this are left as they are. */
const LEAST_SHARE = 1e-4
/** Columns on either side that an interpolation needs: six points, by Lagrange. */
const AROUND = 3
/** Light is not looked for further away than this. */
const FURTHEST = 2.5

/**
 * The frame as it would be if lines stood upright: in each pixel, the light that the spectrum has where the pixel looks along
 * the tilt is replaced by that of its own column. Noise and cosmic rays stay where they are, and no pixel is mixed with
 * another. In kernel memory: call it within `scoped`.
 */
export function straighten(
  frame: SpectralFrame,
  { traces, orders, width }: Extraction,
  profiles: ProfileTable,
  fibres: number,
  tilt: LineTilt,
): SpectralFrame {
  const pixels = allocate(Float32Array, frame.pixels.length)
  pixels.set(frame.pixels)
  const reach = reachOf(profiles)
  const share = new Float64Array(2 * reach + 1)
  const all = profiles.traces / fibres
  traces.forEach(({ trace }, k) => {
    const flux = calmed(orders[k]!.flux)
    const own = trace.order * fibres + trace.fibre
    for (let x = trace.first + AROUND; x <= trace.last - AROUND; x++) {
      const y = trace.y[x]!
      const first = Math.round(y) - reach
      const slope = tiltAt(tilt, x, width, trace.order, all)
      sampleProfile(profiles, own, x, y, first, share.length, share, 0)
      for (let r = Math.max(0, -first); r < share.length && first + r < frame.height; r++) {
        if (!(share[r]! > LEAST_SHARE)) continue
        const u = first + r - y
        const from = x - slope * u - tilt.curve * u * u
        if (Math.abs(from - x) > FURTHEST || from < trace.first + AROUND || from > trace.last - AROUND) continue
        const change = fluxAt(flux, from) - flux[x]!
        if (Number.isFinite(change)) pixels[(first + r) * width + x]! -= share[r]! * change
      }
    }
  })
  return { ...frame, pixels }
}

/**
 * The spectrum without what changes from column to column, which is noise and no line: (−1, 4, 10, 4, −1) / 16 takes half a per
 * cent from the middle of a line of 3.3 columns. What tilt smears would otherwise be put back with the noise.
 */
function calmed(flux: Float64Array): Float64Array {
  return flux.map((value, x) => {
    if (x < 2 || x > flux.length - 3) return value
    const calm = (10 * value + 4 * (flux[x - 1]! + flux[x + 1]!) - flux[x - 2]! - flux[x + 2]!) / 16
    return Number.isFinite(calm) ? calm : value
  })
}

/** The flux between columns, by the polynomial through the six nearest. */
function fluxAt(flux: Float64Array, x: number): number {
  const k = Math.floor(x)
  const t = x - k
  const a = t + 2
  const b = t + 1
  const d = t - 1
  const e = t - 2
  const f = t - 3
  const [ab, de] = [a * b, d * e]
  const [abt, def, bt] = [ab * t, de * f, b * t]
  return (
    def * (flux[k - 2]! * bt * (-1 / 120) + flux[k - 1]! * a * t * (1 / 24) - flux[k]! * ab * (1 / 12)) +
    abt * (flux[k + 1]! * e * f * (1 / 12) - flux[k + 2]! * d * f * (1 / 24) + flux[k + 3]! * de * (1 / 120))
  )
}
