import { solve } from '@nightpipe/math'

/**
 * A cross-dispersion profile as a cubic spline of the distance from the centre: knots every `step` rows from −reach to reach,
 * each value the sum of four B-splines.
 */
export interface ProfileShape {
  reach: number
  step: number
  /** B-splines */
  terms: number
  /** full width at half maximum, rows */
  fwhm: number
  /** both wings are alike from this distance on, where the pixels do not say otherwise; and how strongly, against the data */
  alike: { from: number; weight: number }
}

/** Wings are taken for alike from so many widths on; of orders closer to one another than `packed` widths more of them, and more strongly. */
const ALIKE = { packed: 2.65, loose: { from: 0.8, weight: 0.05 }, close: { from: 0.5, weight: 5 } }

/** Knots that follow an order of a width; `apart` is the distance of the closest two, rows. */
export const profileShape = (reach: number, fwhm: number, apart: number): ProfileShape => {
  // the edges of a flat fibre fall within a row or two, however wide it is: knots half a row apart follow what pixels leave of them
  const pieces = Math.ceil((2 * reach) / Math.min(2, Math.max(0.5, fwhm / 12)))
  // whose light is whose is not to be seen between packed orders: a side that a neighbour hides is like the other one
  const { from, weight } = apart < ALIKE.packed * fwhm ? ALIKE.close : ALIKE.loose
  return { reach, step: (2 * reach) / pieces, terms: pieces + 3, fwhm, alike: { from: from * fwhm, weight } }
}

/** The normal equations of a profile, as they are summed up over pixels: A in a band of four, and b. */
export interface ProfileSums {
  band: Float64Array
  right: Float64Array
  /** what weighed pixels there were: Σ w f² */
  weight: number
}

export const profileSums = ({ terms }: ProfileShape): ProfileSums => ({
  band: new Float64Array(terms * 4),
  right: new Float64Array(terms),
  weight: 0,
})

const b = new Float64Array(4)

/** The four B-splines that are not 0 at t, in `b`; returns the number of the first, −1 outside. */
function splinesAt({ reach, step, terms }: ProfileShape, t: number): number {
  const place = (t + reach) / step
  if (!(place >= 0 && place <= terms - 3)) return -1
  const k = Math.min(Math.floor(place), terms - 4)
  const u = place - k
  const v = 1 - u
  b[0] = (v * v * v) / 6
  b[1] = (3 * u * u * u - 6 * u * u + 4) / 6
  b[2] = (3 * v * v * v - 6 * v * v + 4) / 6
  b[3] = (u * u * u) / 6
  return k
}

/** Adds a pixel: d = f P(t) with weight w. */
export function addPixel(shape: ProfileShape, sums: ProfileSums, t: number, d: number, f: number, w: number): void {
  const k = splinesAt(shape, t)
  if (k < 0) return
  const { band, right } = sums
  const wf = w * f
  const wff = wf * f
  const wfd = wf * d
  for (let i = 0; i < 4; i++) {
    const bi = b[i]!
    right[k + i]! += wfd * bi
    const at = 4 * (k + i)
    for (let j = i; j < 4; j++) band[at + j - i]! += wff * bi * b[j]!
  }
  sums.weight += wff
}

/**
 * The profile that fits its pixels best. Where no pixel fell (a trace along a row shows always the same parts of its
 * profile) it bends as little as it can; at both ends it goes to 0.
 */
export function solveProfile({ terms, reach, step, alike }: ProfileShape, { band, right }: ProfileSums): Float64Array {
  let mean = 0
  for (let k = 0; k < terms; k++) mean += band[4 * k]! / terms
  const matrix = new Float64Array(terms * terms)
  for (let k = 0; k < terms; k++) {
    for (let j = 0; j < 4 && k + j < terms; j++) {
      matrix[k * terms + k + j] = band[4 * k + j]!
      matrix[(k + j) * terms + k] = band[4 * k + j]!
    }
  }
  const stiff = STIFFNESS * mean
  for (let k = 0; k + 2 < terms; k++) {
    for (const [i, p] of BEND) for (const [j, q] of BEND) matrix[(k + i) * terms + k + j]! += stiff * p * q
  }
  for (let k = 0; k < terms >> 1; k++) {
    if (reach - (k - 1) * step < alike.from) continue
    const [m, like] = [terms - 1 - k, alike.weight * mean]
    matrix[k * (terms + 1)]! += like
    matrix[m * (terms + 1)]! += like
    matrix[k * terms + m]! -= like
    matrix[m * terms + k]! -= like
  }
  for (const k of [0, terms - 1]) matrix[k * terms + k]! += 1e-2 * mean + Number.MIN_VALUE
  return solve(matrix, right)
}

/** Of the bending energy against the data. */
const STIFFNESS = 1e-2
const BEND = [
  [0, 1],
  [1, -2],
  [2, 1],
] as const

/** The value of a profile at t. */
export function profileValue(shape: ProfileShape, coefficients: Float64Array, t: number): number {
  const k = splinesAt(shape, t)
  if (k < 0) return 0
  return (
    coefficients[k]! * b[0]! +
    coefficients[k + 1]! * b[1]! +
    coefficients[k + 2]! * b[2]! +
    coefficients[k + 3]! * b[3]!
  )
}

/**
 * Samples of a profile from −reach to reach, `perRow` to the row, moved so that the first moment is `moment`, those a row apart
 * adding up to 1. Returns how far it was moved: the centre of the light lies so far above that of the trace.
 */
export function sampleShape(
  shape: ProfileShape,
  coefficients: Float64Array,
  perRow: number,
  out: Float32Array,
  moment = 0,
): number | undefined {
  const half = (out.length - 1) / 2
  let centre = 0
  // the window moves with the centre: a few steps settle it
  for (let round = 0; round < 8; round++) {
    let [sum, product] = [0, 0]
    for (let k = -half; k <= half; k++) {
      const value = profileValue(shape, coefficients, k / perRow + centre)
      sum += value
      product += value * (k / perRow)
    }
    if (!(sum > 0)) return undefined
    const off = product / sum - moment
    centre += off
    if (Math.abs(off) < 1e-6) break
    if (!(Math.abs(centre) < shape.reach / 2)) return undefined
  }
  for (let k = -half; k <= half; k++) out[k + half] = profileValue(shape, coefficients, k / perRow + centre)
  for (let phase = 0; phase < perRow; phase++) {
    let sum = 0
    for (let k = phase; k < out.length; k += perRow) sum += out[k]!
    if (!(sum > 0)) return undefined
    for (let k = phase; k < out.length; k += perRow) out[k]! /= sum
  }
  return centre
}
