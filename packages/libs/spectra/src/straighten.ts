import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { lendTrace } from './clean-columns.js'
import type { Extraction } from './extract.js'
import type { SpectralFrame } from './group-work.js'
import { type LineTilt, tiltAt } from './line-tilt.js'
import type { LitTrace } from './lit-traces.js'
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
  const upright = { ...frame, pixels }
  const all = profiles.traces / fibres
  kernels().traceFrame(pixels.byteOffset, 0, width, frame.height)
  traces.forEach(({ trace }, k) => {
    const flux = calmed(orders[k]!.flux)
    const [low, high] = [0, width - 1].map((x) => tiltAt(tilt, x, width, trace.order, all)) as [number, number]
    const change = width > 1 ? (high - low) / (width - 1) : 0
    scoped(() => {
      const [light, left] = [allocate(Float32Array, width), allocate(Uint8Array, width).fill(0)]
      light.set(flux)
      const centres = lendTrace(trace, profiles, fibres, 0)
      const { uprightTrace } = kernels()
      const where = [centres, trace.first, trace.last, light.byteOffset] as const
      if (uprightTrace(...where, low, change, tilt.curve, left.byteOffset) === 0) return
      for (let x = trace.first; x <= trace.last; x++) {
        if (left[x] !== 0) straightenColumn(upright, trace, flux, profiles, fibres, x, low + change * x, tilt.curve)
      }
    })
  })
  return upright
}

/** What the kernel leaves: columns of traces that are very steep, or of very wide profiles. */
function straightenColumn(
  { pixels, width, height }: SpectralFrame,
  trace: LitTrace,
  flux: Float64Array,
  profiles: ProfileTable,
  fibres: number,
  x: number,
  slope: number,
  curve: number,
): void {
  const reach = reachOf(profiles)
  const share = new Float64Array(2 * reach + 1)
  const y = trace.y[x]!
  const first = Math.round(y) - reach
  sampleProfile(profiles, trace.order * fibres + trace.fibre, x, y, first, share.length, share, 0)
  for (let r = Math.max(0, -first); r < share.length && first + r < height; r++) {
    if (!(share[r]! > LEAST_SHARE)) continue
    const u = first + r - y
    const from = x - slope * u - curve * u * u
    if (Math.abs(from - x) > FURTHEST || from < trace.first + AROUND || from > trace.last - AROUND) continue
    const change = fluxAt(flux, from) - flux[x]!
    if (Number.isFinite(change)) pixels[(first + r) * width + x]! -= share[r]! * change
  }
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
